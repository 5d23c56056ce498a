// The thresholds that the person has set, their history, and who wants to know of a change.
import { wholeRule } from "./thresholds.js";

export class State {
  // rules: as the report has them.
  constructor(rules) {
    this.first = rules.map((rule) => ({ ...rule }));
    this.rules = new Map(this.first.map((rule) => [rule.signal, rule]));
    this.undone = [];
    this.listeners = [];
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  rule(signal) {
    return this.rules.get(signal) ?? wholeRule(signal);
  }

  // The rules that bound something, in the order in which they came.
  inForce() {
    return [...this.rules.values()].filter(
      (rule) =>
        rule.min !== null ||
        rule.max !== null ||
        !rule.keep_null ||
        Object.keys(rule.languages).length > 0,
    );
  }

  // Set bounds of a signal; `settled` is false while a handle is on its way.
  bound(signal, bounds, settled = true) {
    const before = this.rule(signal);
    const after = { ...before, ...bounds };
    this.#remember(settled);
    this.rules.set(signal, after);
    this.#tell([signal]);
  }

  // Lift a rule whole, its bounds for single languages too.
  lift(signal) {
    this.#remember(true);
    this.rules.delete(signal);
    this.#tell([signal]);
  }

  take(rules) {
    this.#remember(true);
    this.#replace(rules);
  }

  reset() {
    this.take(this.first);
  }

  undo() {
    const last = this.undone.pop();
    if (last) this.#replace(last);
  }

  get canUndo() {
    return this.undone.length > 0;
  }

  #replace(rules) {
    const signals = new Set([...this.rules.keys(), ...rules.map((rule) => rule.signal)]);
    this.rules = new Map(rules.map((rule) => [rule.signal, { ...rule }]));
    this.#tell([...signals]);
  }

  // A drag is one step back, however many places it went through.
  #remember(settled) {
    if (!this.moving) this.undone.push([...this.rules.values()]);
    this.moving = !settled;
  }

  #tell(signals) {
    for (const listener of this.listeners) listener(signals);
  }
}
