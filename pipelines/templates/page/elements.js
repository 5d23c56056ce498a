// Makes elements. Children are nodes or text: no string ever becomes markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [of, is] of Object.entries(value)) made.style.setProperty(of, is);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function bar(part) {
  const inner = element("i", { style: { width: `${Math.max(0, Math.min(100, 100 * part))}%` } });
  return element("span", { class: "bar", "aria-hidden": "true" }, inner);
}

export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

export function section(id, title, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

// Rows of cells under headings; the first cell of a row is its heading.
export function table(caption, headings, rows, attributes = {}) {
  const head = headings.map((text) => element("th", { scope: "col" }, text));
  const body = rows.map((cells) =>
    element(
      "tr",
      {},
      cells.map((cell, place) =>
        place
          ? element("td", { "data-label": headings[place] }, cell)
          : element("th", { scope: "row" }, cell),
      ),
    ),
  );
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    element(
      "table",
      attributes,
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, body),
    ),
  );
}

export function download(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// Say something to a screen reader and, for a moment, on the screen.
export function say(text) {
  const line = document.getElementById("said");
  line.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (line.textContent = ""), 4000);
}
