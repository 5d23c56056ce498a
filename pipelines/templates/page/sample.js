// The joint sample: columns of the sampled documents, as report_pack.py packed them.

async function inflated(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export async function readExamples(base64) {
  if (!base64) return { rows: [], ids: [], urls: [], texts: [] };
  return JSON.parse(new TextDecoder().decode(await inflated(base64)));
}

export async function readSample(head, base64) {
  const planes = new Uint8Array(await inflated(base64));
  const { rows } = head;
  const column = (place, kind) => {
    const bytes = new Uint8Array(4 * rows);
    const from = 4 * rows * place;
    for (let plane = 0; plane < 4; plane += 1) {
      const start = from + plane * rows;
      for (let row = 0; row < rows; row += 1) bytes[4 * row + plane] = planes[start + row];
    }
    return new kind(bytes.buffer);
  };
  const integers = Object.fromEntries(
    head.integers.map((name, place) => [name, column(place, Uint32Array)]),
  );
  const signals = new Map(
    head.floats.map((name, place) => [name, column(head.integers.length + place, Float32Array)]),
  );
  return { ...head, ...integers, signals };
}
