// The horizontal scale of a histogram: values to places from 0 to 1 and back.

const ZERO_BAR = 0.035;
const AXIS_AFTER_ZERO = 0.065;
const TICKS = 5;

export class Axis {
  // A signal of the report that has a histogram.
  constructor(signal) {
    const { scale, edges, zero } = signal.histogram;
    this.logarithmic = scale === "log";
    this.low = edges[0];
    this.high = edges[edges.length - 1];
    this.whole = signal.type !== "double";
    this.start = zero ? AXIS_AFTER_ZERO : 0;
    this.zeroBar = zero ? ZERO_BAR : 0;
    this.edges = edges;
  }

  position(value) {
    let part;
    if (this.logarithmic) {
      if (value <= 0) return 0;
      part = Math.log(value / this.low) / Math.log(this.high / this.low);
    } else {
      part = (value - this.low) / (this.high - this.low);
    }
    const place = this.start + part * (1 - this.start);
    return Math.min(Math.max(place, part < 0 ? 0 : this.start), 1);
  }

  // The value at a place, in as few digits as a step of a pixel needs.
  value(place) {
    if (this.start > 0 && place < this.start) return 0;
    const part = (place - this.start) / (1 - this.start);
    const exact = this.logarithmic
      ? this.low * (this.high / this.low) ** part
      : this.low + (this.high - this.low) * part;
    if (this.whole) return Math.round(exact);
    const digits = this.logarithmic
      ? 3
      : Math.max(1, Math.ceil(Math.log10(Math.max(Math.abs(exact), 1e-300) / (this.high - this.low))) + 3);
    return Number(exact.toPrecision(Math.min(digits, 15)));
  }

  // Round values with their places, at most seven.
  ticks() {
    const oneEach = this.whole && !this.logarithmic && this.edges[1] - this.edges[0] === 1;
    // Where each whole number has a bar, its tick stands under the middle of the bar.
    const middle = oneEach ? 0.5 : 0;
    const found = (this.logarithmic ? this.#decades() : this.#steps())
      .filter((value) => (!oneEach || Number.isInteger(value)) && value + middle <= this.high)
      .map((value) => ({ value, place: this.position(value + middle) }));
    return this.start > 0 ? [{ value: 0, place: ZERO_BAR / 2 }, ...found] : found;
  }

  #steps() {
    const step = roundStep((this.high - this.low) / TICKS);
    const found = [];
    for (let at = Math.ceil(this.low / step); at <= Math.floor(this.high / step); at += 1) {
      found.push(Number((at * step).toPrecision(12)));
    }
    return found;
  }

  #decades() {
    const first = Math.ceil(Math.log10(this.low));
    const last = Math.floor(Math.log10(this.high));
    const found = [];
    if (last - first >= 2) {
      const every = Math.ceil((last - first) / TICKS);
      for (let power = first; power <= last; power += every) found.push(10 ** power);
      return found;
    }
    for (let power = first - 1; power <= last; power += 1) {
      for (const times of [1, 2, 5]) found.push(times * 10 ** power);
    }
    return found.filter((value) => value >= this.low && value <= this.high);
  }
}

function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 2.5, 5].map((times) => times * power).find((step) => step >= least) ?? 10 * power;
}

// The value that a share of the documents lies below, from the signal's cumulative curve.
export function quantile(curve, part) {
  const { values, documents } = curve;
  const right = documents.findIndex((below) => below >= part);
  if (right <= 0) return values[right < 0 ? values.length - 1 : 0];
  const step = documents[right] - documents[right - 1];
  const along = step > 0 ? (part - documents[right - 1]) / step : 1;
  return values[right - 1] + along * (values[right] - values[right - 1]);
}
