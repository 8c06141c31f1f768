// The model in its worker, as the page sees it.
import { addressOf, isOneFile, read } from "./parts.js";

const MOST_THREADS = 8;

/** Reloads the page once where a service worker can bring what threads need, unless the host has brought it. */
export async function isolate() {
  if (crossOriginIsolated || isOneFile() || !navigator.serviceWorker || top !== self) return;
  try {
    if (sessionStorage.getItem("isolated")) return; // it was tried, and did not help
    await navigator.serviceWorker.register("isolate.js");
    await navigator.serviceWorker.ready;
    sessionStorage.setItem("isolated", "tried");
  } catch {
    return; // private windows have none; one thread is enough to go on
  }
  location.reload();
  await new Promise(() => {});
}

export class Runtime {
  /** Loads runtime and model; `asked` may say `threads` and `provider`, `progress` hears the share that has come. */
  static async load(model, asked, progress) {
    const self = new Runtime(await addressOf("worker.js", "text/javascript"));
    const gpu = asked.provider === "webgpu" && await hasGpu(); // only if asked for: not tried on a graphics card yet
    const name = gpu ? "jspi" : "wasm";
    const threads = Number(asked.threads) || (crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1);
    const given = {
      runtime: await script(`ort/ort.${name}.bundle.min.mjs`),
      wasm: await wasm(`ort/ort-wasm-simd-threaded${gpu ? ".jspi" : ""}.wasm`),
      model: await read("model.onnx", (bytes) => progress(bytes / model.bytes)),
      providers: gpu ? ["wasm", "webgpu"] : ["wasm"],
      threads: crossOriginIsolated ? threads : 1,
      shape: [1, ...model.size, model.channels],
    };
    self.facts = { ...await self.#ask("load", given), threads: given.threads };
    return self;
  }

  #worker;
  #waiting = new Map();
  #number = 0;
  #failure = null;

  constructor(address) {
    this.#worker = new Worker(address); // a page from the disk may start no module
    this.#worker.onmessage = ({ data }) => this.#answered(data);
    this.#worker.onerror = (event) => this.#failed(event.message || "The browser did not start the worker.");
  }

  /** Returns the pixels that the model makes of uint8 pixels, and in how many milliseconds. */
  translate(pixels, shape) {
    return this.#ask("translate", { pixels, shape });
  }

  get how() {
    const { provider, threads } = this.facts;
    return provider === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads > 1 ? "s" : ""}`;
  }

  #ask(work, given) {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#waiting.set(++this.#number, { resolve, reject });
      this.#worker.postMessage({ number: this.#number, work, given });
    });
  }

  #answered({ number, made, error }) {
    const { resolve, reject } = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error) reject(new Error(error)); else resolve(made);
  }

  #failed(message) {
    this.#failure = new Error(message);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** WebGPU is used by way of JavaScript Promise Integration, whose build is the smaller; the page in one file lacks it. */
async function hasGpu() {
  if (isOneFile() || !navigator.gpu || !WebAssembly.Suspending) return false;
  return await navigator.gpu.requestAdapter().catch(() => null) !== null;
}

/** Returns the address of a module, or its text, of which a worker of a page from the disk makes an address of its own. */
async function script(name) {
  return isOneFile() ? new Blob([await read(name)], { type: "text/javascript" }) : addressOf(name);
}

async function wasm(name) {
  if (isOneFile()) return { wasmBinary: await read(name) };
  return { wasmPaths: { wasm: new URL(name, document.baseURI).href } }; // compiled while it comes
}
