// Documents on either side of a threshold, harmful ones blurred until asked for.
import { figure } from "./format.js";
import { button, element } from "./elements.js";

const EACH_SIDE = 3;
const HARMFUL = 0.5;

export class Examples {
  // shown: what readExamples gives; labels: where good and bad are kept.
  constructor(shown, sample, labels) {
    this.shown = shown;
    this.sample = sample;
    this.labels = labels;
    this.ordered = new Map();
  }

  // Figures around the bounds of a signal, or of its two ends where it has none.
  near(signal, rule) {
    const sides = [];
    if (rule.min !== null) sides.push(...this.#around(signal, rule.min, "min"));
    if (rule.max !== null) sides.push(...this.#around(signal, rule.max, "max"));
    if (!sides.length) {
      const order = this.#order(signal);
      sides.push(["Lowest in the sample", this.#different(order)]);
      sides.push(["Highest in the sample", this.#different(order.toReversed())]);
    }
    return sides
      .filter(([, rows]) => rows.length)
      .map(([caption, rows]) =>
        element("div", {}, element("h4", {}, caption), rows.map((at) => this.#one(at, signal))),
      );
  }

  #around(signal, bound, end) {
    const order = this.#order(signal);
    const values = this.sample.signals.get(signal);
    const edge = Math.fround(bound);
    const outside = (at) => {
      const value = values[this.shown.rows[at]];
      return end === "min" ? value < edge : value > edge;
    };
    const removed = order.filter(outside);
    const kept = order.filter((at) => !outside(at));
    const nearest = (list, last) => this.#different(last ? list.toReversed() : list);
    const told = `${end === "min" ? "minimum" : "maximum"} ${figure(bound)}`;
    return [
      [`Removed by the ${told}`, nearest(removed, end === "min")],
      [`Kept by the ${told}`, nearest(kept, end === "max")],
    ];
  }

  // The first few, copies left out.
  #different(order) {
    const chosen = new Map();
    for (const at of order) {
      if (!chosen.has(this.shown.texts[at])) chosen.set(this.shown.texts[at], at);
      if (chosen.size === EACH_SIDE) break;
    }
    return [...chosen.values()];
  }

  #order(signal) {
    if (!this.ordered.has(signal)) {
      const values = this.sample.signals.get(signal);
      const { rows } = this.shown;
      const places = [...rows.keys()].filter((at) => !Number.isNaN(values[rows[at]]));
      places.sort((one, other) => values[rows[one]] - values[rows[other]] || one - other);
      this.ordered.set(signal, places);
    }
    return this.ordered.get(signal);
  }

  // All that is shown for its harm, and what is more likely harmful than not wherever it is shown.
  #isBlurred(at, signal) {
    const scores = this.sample.signals.get("harmful.score");
    return signal.startsWith("harmful.") || scores?.[this.shown.rows[at]] >= HARMFUL;
  }

  #one(at, signal) {
    const blurred = this.#isBlurred(at, signal);
    const { ids, urls, texts, rows } = this.shown;
    const value = this.sample.signals.get(signal)[rows[at]];
    const text = element("blockquote", { class: blurred ? "blurred" : null, dir: "auto" }, texts[at]);
    const marks = ["good", "bad"].map((label) =>
      button(label, () => this.#mark(ids[at], label, signal, marks), {
        class: "mark",
        "aria-pressed": String(this.labels.get(ids[at]) === label),
        "aria-label": `Mark document ${ids[at]} ${label}`,
      }),
    );
    const reveal = blurred
      ? button("show", () => {
          text.classList.toggle("blurred");
          reveal.textContent = text.classList.contains("blurred") ? "show" : "hide";
        })
      : null;
    const head = element(
      "figcaption",
      {},
      element("b", {}, figure(Number(value.toPrecision(7)))),
      element("span", { class: "url", dir: "ltr" }, urls[at]),
      element("span", { class: "marks" }, reveal, marks),
    );
    return element("figure", {}, head, text);
  }

  #mark(id, label, signal, marks) {
    const marked = this.labels.toggle(id, label, signal);
    for (const [place, each] of ["good", "bad"].entries()) {
      marks[place].setAttribute("aria-pressed", String(marked === each));
    }
  }
}
