// Documents that the person has marked good or bad, for `thresher evaluate --labels`.
import { button, download, element, section } from "./elements.js";

export class Labels {
  constructor() {
    this.marked = new Map();
    this.told = element("p", { class: "note" });
    this.save = button("Download labels.jsonl", () =>
      download("labels.jsonl", this.lines(), "application/jsonl"),
    );
    this.root = section(
      "labels",
      "Labels",
      element(
        "p",
        { class: "note" },
        "Mark documents good or bad where you meet them, under “Documents beside the threshold”." +
          " The file holds id, label and signal of each.",
      ),
      element("p", { class: "choices" }, this.save, this.told),
    );
    this.#tell();
  }

  get(id) {
    return this.marked.get(id)?.label ?? null;
  }

  // Mark a document, or unmark it where it has this mark; gives the mark that it has now.
  toggle(id, label, signal) {
    if (this.get(id) === label) this.marked.delete(id);
    else this.marked.set(id, { id, label, signal });
    this.#tell();
    return this.get(id);
  }

  lines() {
    return [...this.marked.values()].map((mark) => `${JSON.stringify(mark)}\n`).join("");
  }

  #tell() {
    const good = [...this.marked.values()].filter(({ label }) => label === "good").length;
    this.told.textContent = this.marked.size ? `${good} good, ${this.marked.size - good} bad` : "None marked yet.";
    this.save.disabled = this.marked.size === 0;
  }
}
