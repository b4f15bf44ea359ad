// A stand-in for jatos.js in the tests: the functions of its published reference that a mien study
// calls, against the server of tests/static_host.py. It is not JATOS.

window.jatos = (() => {
  const send = async (what, body = "") => {
    const response = await fetch(what, { method: "POST", body });
    const told = await response.json();
    if ("version" in told) [batch.data, batch.version] = [told.data, told.version];
    if (!response.ok) throw new Error(`status ${response.status}`);
  };
  const batch = { data: {}, version: 0 };
  const text = (data) => (typeof data === "string" ? data : JSON.stringify(data));
  const again = sessionStorage.getItem("run"); // a component that is loaded again
  sessionStorage.setItem("run", "begun");
  const ready = (again ? Promise.resolve() : send("run")).then(() => send("load"));
  return {
    urlQueryParameters: Object.fromEntries(new URLSearchParams(location.search)),
    onLoad: (callback) => ready.then(callback),
    appendResultData: (data) => send("append", text(data)),
    submitResultData: (data) => send("submit", text(data)),
    endStudyAjax: () => send("end"),
    abortStudyAjax: () => send("abort"),
    batchSession: {
      get: (name) => batch.data[name],
      set: (name, value) => send("batch", JSON.stringify({ name, value, version: batch.version })),
    },
  };
})();
