// Thresholds to try, one click each: the papers', the valley between two modes, percentiles.
import { quantile } from "./axis.js";
import { boundsOf, figure } from "./format.js";
import { button, element } from "./elements.js";

export function suggestions(signal, axis, set) {
  const chips = [];
  const chip = (text, told, bounds) =>
    chips.push(button(text, () => set(bounds), { class: "chip", title: told, "aria-label": `${told}: ${text}` }));
  for (const { sets, min, max } of signal.suggestions.published) {
    chip(`${sets.join(", ")} ${boundsOf({ min, max, languages: {} })}`, "Published threshold", { min, max });
  }
  const { valley, published } = signal.suggestions;
  // The sides that are bounded as published; where nothing is, both are offered.
  const ends = published.length
    ? ["min", "max"].filter((end) => published.some((bounds) => bounds[end] !== null))
    : ["min", "max"];
  const main = ends.length === 1 ? ends[0] : wanted(signal.name);
  if (valley !== null) {
    chip(`valley ${sided(main, valley)}`, "Between the two modes of the distribution", { [main]: valley });
  }
  for (const [end, names] of [["min", ["p1", "p5"]], ["max", ["p95", "p99"]]]) {
    for (const name of ends.includes(end) ? names : []) {
      const value = inFewDigits(signal.quantiles[name], axis);
      chip(`${name} ${sided(end, value)}`, "Percentile of all documents", { [end]: value });
    }
  }
  const field = element("input", {
    type: "number",
    min: "0",
    max: "100",
    step: "any",
    placeholder: "90",
    "aria-label": `Share of documents that ${signal.name} shall keep, in percent`,
    onchange: () => {
      const part = Number(field.value) / 100;
      if (!(part > 0 && part < 1)) return;
      const below = main === "max" ? part : 1 - part;
      set({ [main]: inFewDigits(quantile(signal.curve, below), axis) });
    },
  });
  const target = element("label", { class: "target" }, "keep ", field, " %");
  return element("div", { class: "suggestions" }, element("span", {}, "Try"), chips, target);
}

function sided(end, value) {
  return `${end === "min" ? "≥" : "≤"} ${figure(value)}`;
}

// A perplexity of harmful text is the lower the worse, the other scores of harm the higher.
function wanted(name) {
  return name.startsWith("harmful.") && name !== "harmful.perplexity" ? "max" : "min";
}

function inFewDigits(value, axis) {
  return axis.whole ? Math.round(value) : Number(value.toPrecision(4));
}
