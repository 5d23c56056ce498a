// The two handles of a histogram, its minimum and its maximum, for a pointer and for keys.
import { figure } from "./format.js";
import { element } from "./elements.js";

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
const STEP = 0.005;

export class Handles {
  // frame: what the plot stands in, positioned. changed(bounds, settled) takes the new bounds.
  constructor(frame, signal, axis, changed) {
    this.frame = frame;
    this.axis = axis;
    this.changed = changed;
    this.bounds = { min: null, max: null };
    this.isShown = false;
    this.shades = { min: element("i", { class: "shade" }), max: element("i", { class: "shade" }) };
    this.handles = {};
    for (const end of ["min", "max"]) {
      const told = end === "min" ? "Minimum" : "Maximum";
      this.handles[end] = element(
        "span",
        {
          class: `handle ${end}`,
          role: "slider",
          tabindex: "0",
          "aria-label": `${told} of ${signal.name}`,
          "aria-valuemin": axis.low,
          "aria-valuemax": axis.high,
          onkeydown: (event) => this.#key(event, end),
          onpointerdown: (event) => this.#grab(event, end),
        },
        element("b", {}),
      );
    }
    frame.append(this.shades.min, this.shades.max, this.handles.min, this.handles.max);
  }

  show(bounds) {
    const { min, max } = bounds;
    if (this.isShown && min === this.bounds.min && max === this.bounds.max) return;
    this.isShown = true;
    this.bounds = { min, max };
    for (const end of ["min", "max"]) {
      const handle = this.handles[end];
      const value = this.bounds[end];
      const none = value === null;
      const place = this.#place(end);
      handle.style.left = `${100 * place}%`;
      handle.classList.toggle("none", none);
      handle.classList.toggle("flip", end === "min" ? place > 0.75 : place < 0.25);
      const told = none ? `no ${end}imum` : figure(value);
      handle.firstChild.textContent = none ? "" : figure(value);
      handle.setAttribute("aria-valuenow", none ? (end === "min" ? this.axis.low : this.axis.high) : value);
      handle.setAttribute("aria-valuetext", told);
      const width = end === "min" ? place : 1 - place;
      this.shades[end].style.width = `${100 * (none ? 0 : width)}%`;
      this.shades[end].style[end === "min" ? "left" : "right"] = "0";
    }
  }

  #place(end) {
    const value = this.bounds[end];
    if (value === null) return end === "min" ? 0 : 1;
    // The bar of a whole number reaches to the next one, and a maximum keeps its own bar.
    const after = this.axis.whole && !this.axis.logarithmic && end === "max" ? 1 : 0;
    return this.axis.position(value + after);
  }

  #move(end, place, settled) {
    const { low, high, whole, logarithmic } = this.axis;
    const other = this.bounds[end === "min" ? "max" : "min"];
    let value = this.axis.value(Math.min(Math.max(place, 0), 1));
    if (end === "min" ? place <= 0 : place >= 1) value = null;
    else if (whole && !logarithmic && end === "max") value -= 1;
    if (value !== null && other !== null) {
      value = end === "min" ? Math.min(value, other) : Math.max(value, other);
    }
    if (value !== null && (end === "min" ? value < Math.min(low, 0) : value > high)) value = null;
    this.changed({ [end]: value }, settled);
  }

  #key(event, end) {
    const place = this.#place(end);
    let to = null;
    if (event.key in STEPS) to = this.#step(end, place, STEPS[event.key]);
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = 1;
    else if (event.key === "Delete" || event.key === "Backspace") to = end === "min" ? 0 : 1;
    if (to === null) return;
    event.preventDefault();
    this.#move(end, to, true);
  }

  // So far that the value changes, however wide the bars of whole numbers are.
  #step(end, place, steps) {
    const before = this.axis.value(place);
    let to = place + steps * STEP;
    while (to > 0 && to < 1 && this.axis.value(to) === before) to += Math.sign(steps) * STEP;
    return to;
  }

  #grab(event, end) {
    if (event.button !== 0) return;
    const handle = this.handles[end];
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    const frame = this.frame.getBoundingClientRect();
    const offset = event.clientX - frame.left - this.#place(end) * frame.width;
    let last = null;
    const drag = (move) => {
      last = (move.clientX - offset - frame.left) / frame.width;
      this.#move(end, last, false);
    };
    const release = () => {
      handle.removeEventListener("pointermove", drag);
      if (last !== null) this.#move(end, last, true);
    };
    handle.addEventListener("pointermove", drag);
    handle.addEventListener("lostpointercapture", release, { once: true });
  }
}
