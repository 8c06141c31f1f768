// Runs the model beside the page, which stays quick to draw on.
let ort, session;

const works = { load, translate };

onmessage = async ({ data: { number, work, given } }) => {
  try {
    postMessage({ number, made: await works[work](given) });
  } catch (error) {
    postMessage({ number, error: String(error?.message ?? error) });
  }
};

/** Loads the runtime and the model, and keeps the provider that is the fastest here and makes the same picture. */
async function load({ runtime, wasm, model, providers, threads, shape }) {
  ort = await import(typeof runtime === "string" ? runtime : URL.createObjectURL(runtime));
  Object.assign(ort.env.wasm, wasm, { numThreads: threads });
  ort.env.logLevel = "error";
  const blank = { pixels: new Uint8Array(shape.reduce((a, b) => a * b)).fill(255), shape };
  const tried = [];
  for (const provider of providers) {
    try {
      tried.push(await trial(provider, model, blank));
    } catch (error) {
      if (providers.length === 1) throw error; // WebGPU may be there in name only
    }
  }
  const agreeing = tried.filter((each) => difference(each.pixels, tried[0].pixels) <= 1);
  const best = agreeing.reduce((a, b) => (b.ms < a.ms ? b : a));
  for (const each of tried) if (each !== best) await each.session.release();
  session = best.session;
  return { provider: best.provider, ms: best.ms, tried: tried.map(({ provider, ms }) => ({ provider, ms })) };
}

async function trial(provider, model, blank) {
  session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
  await translate(blank); // the first is slow: memory is asked for, and code compiled
  const { pixels, ms } = await translate(blank);
  return { provider, session, pixels, ms };
}

/** Translates uint8 pixels of a shape (1, height, width, channels), and says in how many milliseconds. */
async function translate({ pixels, shape }) {
  const start = performance.now();
  const fed = { [session.inputNames[0]]: new ort.Tensor("uint8", pixels, shape) };
  const made = (await session.run(fed))[session.outputNames[0]];
  return { pixels: await made.getData(), ms: performance.now() - start };
}

/** Returns the mean difference of two pictures, in levels. */
function difference(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}
