// What the server wrote into the page: tasks, texts, sizes. `say` fills the texts' gaps.

export const study = JSON.parse(document.getElementById("study").textContent);

/** The text `name`, with {gaps} filled. */
export function say(name, gaps = {}) {
  return study.words[name].replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]);
}

/** The question called `id`: its task, and whether it asks for the second choice. */
export function questionOf(id, tasks = study.tasks) {
  const task = tasks.find((one) => one.id === id);
  if (task) return { id, task, second: false, words: task.question };
  const first = tasks.find((one) => one.id + study.second === id);
  return { id, task: first, second: true, words: first.second_question };
}

/** Every question that `tasks` ask, second choices too. */
export function questionsOf(tasks) {
  return tasks.flatMap((task) => (task.second_choice ? [task.id, task.id + study.second] : [task.id]));
}
