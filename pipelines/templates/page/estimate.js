// What a set of rules keeps, estimated from the sample: the figures of report_estimate.py, whose
// docstring says how. Each rule's failures are held, so a moved threshold costs one pass over one
// column and one over the rows.

const DEVIATIONS = 1.96;
const MEASURES = ["tokens", "bytes"];

export class Estimator {
  // sample: what readSample gives. buckets: the least length bucket and the greatest.
  constructor(sample, buckets) {
    this.sample = sample;
    this.rows = sample.rows;
    this.failing = [];
    this.removed = [];
    this.times = new Uint16Array(this.rows);
    // The numbers of the rules that a row fails, XORed: the one rule where there is but one.
    this.mixed = new Uint16Array(this.rows);
    this.#layUnits();
    // The kept rows are the first keptCount of keptRows; each stands for so many places.
    this.keptRows = new Uint32Array(this.units);
    this.keptCount = 0;
    this.placesOf = Float32Array.from(
      sample.stratum,
      (here) => sample.strata.units[here] / this.sampled[here],
    );
    this.bucketOf = new Uint32Array(this.rows);
    this.bucketNames = [];
    for (let bucket = buckets.smallest; bucket <= buckets.largest; bucket *= 2) {
      this.bucketNames.push(bucket);
    }
    this.bucketNames.push(buckets.largest + 1);
    for (let row = 0; row < this.rows; row += 1) {
      const place = this.bucketNames.findIndex((bucket) => sample.tokens[row] <= bucket);
      const open = this.bucketNames.length - 1;
      this.bucketOf[row] = sample.tokens[row] > buckets.largest ? open : place;
    }
    this.bucketDocuments = new Float64Array(this.bucketNames.length);
    for (let row = 0; row < this.rows; row += 1) {
      this.bucketDocuments[this.bucketOf[row]] += this.weight[row];
    }
  }

  #layUnits() {
    const { rows, sample } = this;
    const { starts, stratum, size, tokens, bytes, strata } = sample;
    this.strata = strata.documents.length;
    const { strata: count } = this;
    const first = [];
    for (let row = 0; row < rows; row += 1) if (starts[row]) first.push(row);
    this.firstRow = Uint32Array.from(first);
    this.units = first.length;
    this.sampled = new Float64Array(count);
    const documents = new Float64Array(count);
    this.best = { tokens: new Float64Array(count), bytes: new Float64Array(count) };
    this.square = { tokens: new Float64Array(count), bytes: new Float64Array(count) };
    this.weight = new Float64Array(rows);
    for (let unit = 0; unit < this.units; unit += 1) {
      const row = first[unit];
      const end = this.#end(unit);
      this.sampled[stratum[row]] += 1;
      for (const [name, values] of [["tokens", tokens], ["bytes", bytes]]) {
        this.best[name][stratum[row]] += values[row];
        this.square[name][stratum[row]] += values[row] ** 2;
      }
      const best = Math.min(end - row, sample.best);
      for (let member = row; member < end; member += 1) {
        const isBest = member - row < best;
        this.weight[member] = isBest ? 1 : (size[row] - best) / (end - row - best);
        documents[stratum[row]] += this.weight[member];
      }
    }
    for (let row = 0; row < rows; row += 1) {
      this.weight[row] *= strata.documents[stratum[row]] / documents[stratum[row]];
    }
    // The documents that a unit stands for, their sum and that of their squares by stratum.
    this.size = new Float64Array(this.units);
    this.sizes = new Float64Array(count);
    this.sizeSquares = new Float64Array(count);
    for (let unit = 0; unit < this.units; unit += 1) {
      const end = this.#end(unit);
      for (let row = first[unit]; row < end; row += 1) this.size[unit] += this.weight[row];
      this.sizes[stratum[first[unit]]] += this.size[unit];
      this.sizeSquares[stratum[first[unit]]] += this.size[unit] ** 2;
    }
  }

  #end(unit) {
    return unit + 1 < this.firstRow.length ? this.firstRow[unit + 1] : this.rows;
  }

  // Take a rule for the one of its number, or no rule for null.
  setRule(number, rule) {
    const { times, mixed, rows } = this;
    const before = this.failing[number];
    const after = rule === null ? null : this.failures(rule);
    for (let row = 0; row < rows; row += 1) {
      const was = before ? before[row] : 0;
      const is = after ? after[row] : 0;
      if (was !== is) {
        times[row] += is - was;
        mixed[row] ^= number;
      }
    }
    this.failing[number] = after;
    this.removed[number] = after && this.#ofDocuments(after);
  }

  failures(rule) {
    const { rows, sample } = this;
    const failed = new Uint8Array(rows);
    const values = sample.signals.get(rule.signal);
    const bounds = sample.languages.map((code) =>
      rounded(code in rule.languages ? rule.languages[code] : rule),
    );
    const nulls = rule.keep_null ? 0 : 1;
    if (!values) return nulls ? failed.fill(1) : failed;
    const { language } = sample;
    for (let row = 0; row < rows; row += 1) {
      const value = values[row];
      const { min, max } = bounds[language[row]];
      failed[row] = value < min || value > max ? 1 : value !== value ? nulls : 0;
    }
    return failed;
  }

  estimate() {
    const { sample, times, mixed, strata, units } = this;
    const { stratum, earlier } = sample;
    const only = this.failing.map(() => new Float64Array(strata));
    const all = this.#sums(1);
    const parts = {
      language: this.#sums(sample.languages.length, sample.language),
      bucket: this.#sums(this.bucketNames.length, this.bucketOf),
      source: this.#sums(sample.sources.length, sample.source),
    };
    const groups = [all, ...Object.values(parts)];
    const kept = new Uint8Array(this.rows);
    // Places that members might fill that are not held, as with_unseen in report_estimate.py has it.
    const unseen = { documents: 0, tokens: 0 };
    const { firstRow, rows, keptRows } = this;
    this.keptCount = 0;
    const { tokens, bytes } = sample;
    for (let unit = 0; unit < units; unit += 1) {
      const start = firstRow[unit];
      const end = unit + 1 < units ? firstRow[unit + 1] : rows;
      let row = start;
      while (row < end && (times[row] || earlier[row])) row += 1;
      const here = stratum[start];
      if (row < end) {
        kept[row] = 1;
        if (row - start >= sample.best && sample.size[start] > end - start) {
          const places = this.placesOf[row] * Math.log2(sample.size[start] / (end - start));
          unseen.documents += places;
          unseen.tokens += places * tokens[row];
        }
        keptRows[this.keptCount] = row;
        this.keptCount += 1;
        for (let group = 0; group < groups.length; group += 1) {
          const { of, documents, tokens: sums } = groups[group];
          const place = (of === null ? 0 : of[row]) * strata + here;
          documents[place] += 1;
          sums.part[place] += tokens[row];
          sums.square[place] += tokens[row] * tokens[row];
          sums.mixed[place] += tokens[row] * tokens[start];
        }
        all.bytes.part[here] += bytes[row];
        all.bytes.square[here] += bytes[row] * bytes[row];
        all.bytes.mixed[here] += bytes[row] * bytes[start];
      } else if (end === start + 1) {
        if (times[start] === 1 && !earlier[start]) only[mixed[start]][here] += 1;
      } else {
        const counted = new Set();
        for (row = start; row < end; row += 1) {
          if (times[row] === 1 && !earlier[row] && !counted.has(mixed[row])) {
            counted.add(mixed[row]);
            only[mixed[row]][here] += 1;
          }
        }
      }
    }
    this.kept = kept;
    const inAll = this.#totals(all, 0);
    for (const of of ["documents", "tokens"]) inAll[of].error += unseen[of];
    return {
      kept: inAll,
      rules: this.failing.map(
        (failed, number) =>
          failed && { removes: this.removed[number], only: this.#documents(only[number], 0) },
      ),
      languages: this.#told(parts.language, sample.languages),
      buckets: this.#told(parts.bucket, this.bucketNames),
      sources: this.#told(parts.source, sample.sources),
    };
  }

  // The share of one rule's documents that another removes too, by their numbers.
  overlap(first, second) {
    const [one, other] = [this.failing[first], this.failing[second]];
    let both = 0;
    let all = 0;
    for (let row = 0; row < this.rows; row += 1) {
      if (one[row]) {
        all += this.weight[row];
        if (other[row]) both += this.weight[row];
      }
    }
    return all > 0 ? both / all : 0;
  }

  // The places in the corpus that some rows stand for, at most one of a unit.
  places(isTaken) {
    const taken = new Float64Array(this.strata);
    for (let row = 0; row < this.rows; row += 1) {
      if (isTaken(row)) taken[this.sample.stratum[row]] += 1;
    }
    return this.#documents(taken, 0);
  }

  // The documents that a rule removes, with the error between units.
  #ofDocuments(failed) {
    const { strata, units, weight, size, firstRow, rows, sample } = this;
    const { stratum } = sample;
    const part = new Float64Array(strata);
    const square = new Float64Array(strata);
    const mixed = new Float64Array(strata);
    for (let unit = 0; unit < units; unit += 1) {
      const end = unit + 1 < units ? firstRow[unit + 1] : rows;
      let given = 0;
      for (let row = firstRow[unit]; row < end; row += 1) if (failed[row]) given += weight[row];
      if (given > 0) {
        const here = stratum[firstRow[unit]];
        part[here] += given;
        square[here] += given * given;
        mixed[here] += given * size[unit];
      }
    }
    let estimate = 0;
    let variance = 0;
    for (let here = 0; here < strata; here += 1) {
      const ratio = this.sizes[here] > 0 ? part[here] / this.sizes[here] : 0;
      const residual = square[here] - 2 * ratio * mixed[here] + ratio ** 2 * this.sizeSquares[here];
      const sampled = Math.max(this.sampled[here], 1);
      estimate += part[here];
      // The weights are scaled to the population already.
      variance += this.#unsampled(here) * Math.max(residual, this.sizeSquares[here] * least(sampled));
    }
    return { estimate, error: DEVIATIONS * Math.sqrt(Math.max(variance, 0)) };
  }

  // Sums over the kept units by value and stratum.
  #sums(values, of = null) {
    const zeros = () => new Float64Array(values * this.strata);
    const sums = { of, documents: zeros() };
    for (const name of of ? ["tokens"] : MEASURES) {
      sums[name] = { part: zeros(), square: zeros(), mixed: zeros() };
    }
    return sums;
  }

  #told(sums, names) {
    return names.map((value, number) => ({ value, kept: this.#totals(sums, number * this.strata) }));
  }

  #totals(sums, at) {
    const figures = { documents: this.#documents(sums.documents, at) };
    for (const name of MEASURES.filter((each) => each in sums)) {
      const { part, square, mixed } = sums[name];
      figures[name] = this.#ratio(
        (here) => [part[at + here], square[at + here], mixed[at + here]],
        (here) => [this.best[name][here], this.square[name][here], this.sample.strata[name][here]],
      );
    }
    return figures;
  }

  #documents(taken, at) {
    return this.#ratio(
      (here) => [taken[at + here], taken[at + here], taken[at + here]],
      (here) => [this.sampled[here], this.sampled[here], this.sample.strata.units[here]],
    );
  }

  // What units give, its square and its product with their sizes; the sizes, their squares, and
  // the sizes of all units.
  #ratio(givenIn, sizesIn) {
    let estimate = 0;
    let variance = 0;
    for (let here = 0; here < this.strata; here += 1) {
      const [part, givenSquare, mixed] = givenIn(here);
      const [size, square, whole] = sizesIn(here);
      const ratio = size > 0 ? part / size : 0;
      const residual = givenSquare - 2 * ratio * mixed + ratio ** 2 * square;
      const sampled = Math.max(this.sampled[here], 1);
      const spread = Math.max(residual, square * least(sampled)) / sampled;
      const population = this.sample.strata.units[here];
      estimate += whole * ratio;
      variance += (population ** 2 * this.#unsampled(here) * spread) / sampled;
    }
    return { estimate, error: DEVIATIONS * Math.sqrt(Math.max(variance, 0)) };
  }

  #unsampled(here) {
    return 1 - this.sampled[here] / Math.max(this.sample.strata.units[here], 1);
  }
}

// The least variance of a share among some units.
function least(count) {
  const part = 1 / (count + 2);
  return part * (1 - part);
}

// Bounds as float32, as the sample's values are, so that what is equal stays equal.
function rounded(bounds) {
  const { min = null, max = null } = bounds ?? {};
  return {
    min: min === null ? -Infinity : Math.fround(min),
    max: max === null ? Infinity : Math.fround(max),
  };
}
