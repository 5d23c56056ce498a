// How the page writes numbers.

const UNITS = ["", "k", "M", "G", "T", "P"];

export function count(number) {
  return Math.round(number).toLocaleString("en");
}

export function shortCount(number) {
  let rest = number;
  let unit = 0;
  while (Math.abs(rest) >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return rest.toLocaleString("en", { maximumSignificantDigits: 3 }) + UNITS[unit];
}

export function byteCount(number) {
  return shortCount(number).replace(/[kMGTP]?$/, (unit) => ` ${unit}B`);
}

export function share(part) {
  const percent = 100 * part;
  if (percent > 0 && percent < 0.01) return "<0.01 %";
  return percent.toLocaleString("en", { maximumFractionDigits: percent < 10 ? 2 : 1 }) + " %";
}

// A signal's value in four digits; whole numbers in all of theirs.
export function figure(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(3).replace(/\.?0+e/, "e");
  return value.toLocaleString("en", { maximumSignificantDigits: size >= 1000 ? 7 : 4 });
}

export function tick(value) {
  if (Math.abs(value) >= 1) return shortCount(value);
  return String(Number(value.toPrecision(3)));
}

// An error is rounded up, but for what computing it may have left of nothing.
export function wholeError(error) {
  return Math.ceil(error - 1e-3);
}

export function estimated({ estimate, error }, write = count) {
  const shown = wholeError(error);
  return shown > 0 ? `${write(estimate)} ± ${write(shown)}` : write(estimate);
}

export function boundsOf(rule) {
  const { min, max } = rule;
  if (min === null && max === null) return Object.keys(rule.languages).length ? "by language" : "–";
  if (max === null) return `≥ ${figure(min)}`;
  if (min === null) return `≤ ${figure(max)}`;
  return `${figure(min)} – ${figure(max)}`;
}

export function bucketName(bucket) {
  const power = Number.isInteger(Math.log2(bucket));
  return power ? `up to ${count(bucket)}` : `${count(bucket)} and more`;
}
