// thresholds.yaml: what `thresher select --thresholds` takes. Each rule is one line of YAML whose
// value is JSON, so that the page reads its own files back without a parser of YAML.

import { wholeError } from "./format.js";

const PLAIN = /^[A-Za-z_][\w.-]*$/;
const LINE = /^ {2}("(?:[^"\\]|\\.)*"|[A-Za-z_][\w.-]*): (\{.*\})$/;

export function thresholdsYaml(name, rules, kept) {
  const lines = [`# Thresholds chosen in the score report of ${JSON.stringify(name)}.`];
  const predicted = ["documents", "tokens"].flatMap((of) => [
    `${of}: ${Math.round(kept[of].estimate)}`,
    `${of}_error: ${wholeError(kept[of].error)}`,
  ]);
  lines.push(`predicted: {${predicted.join(", ")}}`, rules.length ? "rules:" : "rules: {}");
  for (const rule of rules) {
    const key = PLAIN.test(rule.signal) ? rule.signal : JSON.stringify(rule.signal);
    lines.push(`  ${key}: ${flow(ruleBounds(rule))}`);
  }
  return lines.join("\n") + "\n";
}

// What a file of thresholds says of a rule: only what is not the default.
export function ruleBounds(rule) {
  const told = withoutNull({ min: rule.min, max: rule.max });
  if (!rule.keep_null) told.keep_null = false;
  const languages = Object.entries(rule.languages).map(([code, bounds]) => [
    code,
    bounds && withoutNull(bounds),
  ]);
  if (languages.length) told.languages = Object.fromEntries(languages);
  return told;
}

// The rules of a file that thresholdsYaml wrote; throws an Error that says which line is none.
export function parseThresholds(text) {
  const rules = [];
  let inside = false;
  for (const [place, line] of text.split(/\r?\n/).entries()) {
    if (/^rules: *(\{\})?$/.test(line)) inside = true;
    else if (/^( *#.*)?$/.test(line) || /^predicted:/.test(line)) continue;
    else {
      const found = inside && LINE.exec(line);
      if (!found) throw new Error(`line ${place + 1} is no rule as this page writes it`);
      const signal = found[1].startsWith('"') ? JSON.parse(found[1]) : found[1];
      rules.push({ ...wholeRule(signal), ...JSON.parse(found[2]) });
    }
  }
  if (!inside) throw new Error("there is no line `rules:`");
  return rules;
}

export function wholeRule(signal) {
  return { signal, set: null, min: null, max: null, languages: {}, keep_null: true };
}

function withoutNull(bounds) {
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== null));
}

function flow(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const told = Object.entries(value).map(([key, of]) => `${JSON.stringify(key)}: ${flow(of)}`);
  return `{${told.join(", ")}}`;
}
