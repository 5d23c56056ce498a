// The card of one signal: its histogram with handles, its effect, suggestions and examples.
import { Axis } from "./axis.js";
import { KeptBars, drawHistogram, pixels, standalone } from "./chart.js";
import { count, estimated, figure, share } from "./format.js";
import { button, download, element } from "./elements.js";
import { Handles } from "./handles.js";
import { suggestions } from "./suggestions.js";

export class Card {
  constructor(signal, { state, estimator, examples, totals }) {
    this.signal = signal;
    this.state = state;
    this.estimator = estimator;
    this.examples = examples;
    this.totals = totals;
    this.words = [signal.name, signal.meaning, signal.source, signal.unit].join(" ").toLowerCase();
    this.body = element("div", { class: "body" });
    this.root = element(
      "article",
      { class: "card", id: `signal-${signal.name}`, "aria-label": signal.name },
      element(
        "header",
        {},
        element("h3", {}, signal.name),
        element("span", { class: "unit" }, signal.unit),
      ),
      element("p", { class: "meaning" }, signal.meaning),
      this.body,
    );
    this.drawn = null;
  }

  get isNumeric() {
    return Boolean(this.signal.histogram) && this.estimator.sample.signals.has(this.signal.name);
  }

  // Draw what is costly; called when the card comes near the screen.
  draw() {
    if (this.drawn || !this.isNumeric) return;
    const { signal } = this;
    this.axis = new Axis(signal);
    const { quantiles } = signal;
    const described =
      `Histogram of ${signal.name}: half of the documents lie between ${figure(quantiles.p25)}` +
      ` and ${figure(quantiles.p75)}, the median is ${figure(quantiles.p50)}.`;
    const width = Math.max(220, Math.round(this.body.clientWidth || 480));
    this.drawn = drawHistogram(signal, this.axis, width, described);
    this.keptBars = new KeptBars(this.drawn, this.axis, this.estimator, signal);
    const frame = element("div", { class: "plot" }, this.drawn.plot);
    const set = (bounds, settled = true) => this.state.bound(signal.name, bounds, settled);
    this.handles = new Handles(frame, signal, this.axis, set);
    this.effect = element("p", { class: "effect" });
    this.fields = Object.fromEntries(["min", "max"].map((end) => [end, this.#field(end, set)]));
    this.shown = element("div", { class: "examples" });
    this.details = element(
      "details",
      { ontoggle: () => this.#showExamples() },
      element("summary", {}, "Documents beside the threshold"),
      this.shown,
    );
    const only = { min: null, max: null };
    this.body.append(
      frame,
      element(
        "div",
        { class: "fields" },
        element("label", {}, "min ", this.fields.min),
        element("label", {}, "max ", this.fields.max),
        button("clear", () => set(only), { "aria-label": `No bounds for ${signal.name}` }),
      ),
      this.effect,
      suggestions(signal, this.axis, (bounds) => set({ ...only, ...bounds })),
      this.details,
      this.#foot(),
    );
    this.update();
  }

  update() {
    if (!this.drawn) return;
    const { signal } = this;
    const rule = this.state.rule(signal.name);
    this.handles.show(rule);
    for (const end of ["min", "max"]) {
      const field = this.fields[end];
      if (document.activeElement !== field) field.value = rule[end] ?? "";
    }
    const number = this.state.numbers.get(signal.name);
    const effect = number === undefined ? null : this.state.figures.rules[number];
    if (effect) {
      const part = effect.removes.estimate / Math.max(this.totals.documents, 1);
      this.effect.replaceChildren(
        element("b", {}, `removes ${share(part)}`),
        ` (${estimated(effect.removes)} documents), ${estimated(effect.only)} that no other rule removes`,
        this.#alsoBounds(rule),
      );
    } else this.effect.replaceChildren("no bounds: removes nothing");
    this.keptBars.update();
    if (this.details.open && !this.state.moving) this.#showExamples();
  }

  #alsoBounds(rule) {
    const told = Object.entries(rule.languages).map(([code, bounds]) =>
      bounds ? `${code} ${bounds.min ?? ""}–${bounds.max ?? ""}` : `${code} none`,
    );
    if (!rule.keep_null) told.push("documents without a value are removed");
    return told.length ? `; own bounds: ${told.join(", ")}` : "";
  }

  #field(end, set) {
    const field = element("input", {
      type: "number",
      step: "any",
      placeholder: "none",
      "aria-label": `${end === "min" ? "Minimum" : "Maximum"} of ${this.signal.name}, as a number`,
      onchange: () => {
        const value = field.value.trim() === "" ? null : Number(field.value);
        const other = this.state.rule(this.signal.name)[end === "min" ? "max" : "min"];
        const wrong =
          value !== null && other !== null && (end === "min" ? value > other : value < other);
        field.setAttribute("aria-invalid", String(wrong));
        if (!wrong) set({ [end]: value });
      },
    });
    return field;
  }

  #showExamples() {
    if (this.details.open) {
      const rule = this.state.rule(this.signal.name);
      this.shown.replaceChildren(...this.examples.near(this.signal.name, rule));
    }
  }

  #foot() {
    const { signal } = this;
    const notes = [signal.source];
    if (signal.nulls) notes.push(`${count(signal.nulls)} documents without a value`);
    const save = (kind, made) =>
      button(kind, made, { "aria-label": `Save the histogram of ${signal.name} as ${kind}` });
    return element(
      "footer",
      {},
      element("span", {}, notes.filter(Boolean).join(" · ")),
      element(
        "span",
        { class: "saves" },
        save("SVG", () => download(`${signal.name}.svg`, standalone(this.drawn.plot), "image/svg+xml")),
        save("PNG", async () => download(`${signal.name}.png`, await pixels(this.drawn.plot), "image/png")),
      ),
    );
  }
}
