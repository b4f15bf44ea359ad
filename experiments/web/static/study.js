// What the server wrote into the page: tasks, texts, sizes. `say` fills the texts' gaps.

export const study = JSON.parse(document.getElementById("study").textContent);

/** The text `name`, with {gaps} filled. */
export function say(name, gaps = {}) {
  return study.words[name].replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]);
}

/**
 * The question called `id`: its task, whether it asks for the second choice, and `ids` of all that
 * is asked with it: the two axes of an affect grid are one question to the eye.
 */
export function questionOf(id, tasks = study.tasks) {
  const task = tasks.find((one) => namesOf(one).includes(id));
  if (task) return { id: task.id, ids: namesOf(task), task, second: false, words: task.question };
  const first = tasks.find((one) => one.id + study.second === id);
  return { id, ids: [id], task: first, second: true, words: first.second_question };
}

/** The questions called `ids`, each one once. */
export function questionsNamed(ids, tasks = study.tasks) {
  const asked = ids.map((id) => questionOf(id, tasks));
  return asked.filter((one, place) => asked.findIndex(({ id }) => id === one.id) === place);
}

/**
 * The fields that answer each of a question's ids: `said`, or of a grid the place [x, y] in it.
 * A grid that was skipped says nothing.
 */
export function answersTo(question, said) {
  return question.ids.map((id, axis) => {
    const own = said.place ? { choice: said.place[axis] } : said;
    return { question: id, ...own };
  });
}

const isGrid = (task) => task.type === "affect-grid";
const namesOf = (task) => (isGrid(task) ? study.axes.map((axis) => task.id + axis) : [task.id]);

/** Every question that `tasks` ask, second choices too. */
export function questionsOf(tasks) {
  return tasks.flatMap((task) => (task.second_choice ? [task.id, task.id + study.second] : namesOf(task)));
}
