// What the page is made of: in itself, if it is one file; else beside it.

/** Reads a file, as bytes. `progress` hears how many have come. */
export async function read(name, progress = () => {}) {
  const inside = inPage(name);
  const response = inside ? unpacked(inside) : await fetch(name);
  if (!response.ok) throw new Error(`${name} did not come: the host answers ${response.status}.`);
  return collected(response.body, progress);
}

export async function readText(name) {
  return new TextDecoder().decode(await read(name));
}

/** Returns an address for a file, by which it can be imported or fetched. */
export async function addressOf(name, type) {
  if (!inPage(name)) return new URL(name, document.baseURI).href;
  return URL.createObjectURL(new Blob([await read(name)], { type }));
}

export const isOneFile = () => document.querySelector("[data-part]") !== null;

const inPage = (name) => document.querySelector(`[data-part="${name}"]`);

function unpacked(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

async function collected(stream, progress) {
  const chunks = [];
  let length = 0;
  for (let reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    progress(length += value.length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
