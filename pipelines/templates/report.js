"use strict";

const curves = JSON.parse(document.getElementById("curves").textContent);

// Filter: a signal stays if it has every word typed, a family if one of its signals stays.
const filter = document.getElementById("filter");
const cards = [...document.querySelectorAll(".card")];
filter.parentElement.hidden = cards.length === 0;
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
  }
  for (const family of document.querySelectorAll(".family")) {
    family.hidden = !family.querySelector(".card:not([hidden])");
  }
  const shown = cards.filter((card) => !card.hidden).length;
  document.getElementById("matches").textContent = filter.value ? `${shown} of ${cards.length}` : "";
});

// Probe: what a minimum at a place of the axis would remove, from the cumulative curve.
const percent = (part) =>
  (100 * part).toLocaleString("en", { maximumSignificantDigits: 3 }) + " %";

function valueAt(axis, start, place) {
  const part = Math.max(0, (place - start) / (1 - start));
  const value =
    axis.scale === "log"
      ? axis.low * (axis.high / axis.low) ** part
      : axis.low + (axis.high - axis.low) * part;
  return axis.whole ? Math.round(value) : value;
}

function shareBelow(values, shares, value) {
  const right = values.findIndex((known) => known >= value);
  if (right < 0) return 1;
  if (right === 0) return values[0] === value ? shares[0] : 0;
  const part = (value - values[right - 1]) / (values[right] - values[right - 1]);
  return shares[right - 1] + part * (shares[right] - shares[right - 1]);
}

for (const plot of document.querySelectorAll(".plot")) {
  const axis = curves[plot.dataset.signal];
  const start = Number(plot.dataset.start);
  const probe = plot.nextElementSibling;
  const slider = probe.querySelector("input");
  const output = probe.querySelector("output");
  const cursor = Object.assign(document.createElement("span"), { className: "cursor", hidden: true });
  plot.append(cursor);
  probe.hidden = false;

  const show = () => {
    const place = slider.value / slider.max;
    const value = valueAt(axis, start, place);
    const { values, documents, tokens } = axis.curve;
    const digits = axis.whole ? {} : { maximumSignificantDigits: 4 };
    const text =
      `Below ${value.toLocaleString("en", digits)}: ` +
      `${percent(shareBelow(values, documents, value))} of documents, ` +
      `${percent(shareBelow(values, tokens, value))} of tokens`;
    cursor.style.left = `${100 * Math.max(place, start)}%`;
    cursor.hidden = false;
    slider.setAttribute("aria-valuetext", text);
    output.textContent = text;
    output.className = "on";
  };
  slider.addEventListener("input", show);
}
