// The few things that are done to the page again and again. Text goes in as text, never as HTML.

export const by = (id) => document.getElementById(id);

/** Returns a new element with a class and children, which are elements or text. */
export function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Shows or hides an element. */
export function show(id, visible) {
  by(id).hidden = !visible;
}

/** Puts pieces [class, text] into an element. */
export function fill(parent, pieces) {
  const made = document.createDocumentFragment();
  for (const [name, text] of pieces) made.append(name ? element("span", name, text) : text);
  parent.replaceChildren(made);
}

/** Makes the choices of a list. */
export function choices(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, label]) => {
      const option = element("option", "", label);
      option.value = value;
      return option;
    }),
  );
  if (chosen !== undefined) select.value = chosen;
}

/** Makes a link save bytes as a file. */
export function saves(link, content, name) {
  if (link.href) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  link.download = name;
}

/** Says something to those who do not see the page. */
export function say(text) {
  by("said").textContent = text;
}

/** Copies text, and says so on the button. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    flash(button, "Copied");
  } catch {
    flash(button, "Not allowed");
  }
}

function flash(button, word) {
  const usual = (button.dataset.usual ??= button.textContent);
  button.textContent = word;
  say(word);
  setTimeout(() => (button.textContent = usual), 1500);
}
