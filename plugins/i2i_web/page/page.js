// The page: tools, the sheet that they draw on, and the picture that the model makes of it.
import { Camera, baseOf, drawPixels, firstImage, save } from "./images.js";
import { read, readText } from "./parts.js";
import { Runtime, isolate } from "./runtime.js";
import { Sheet } from "./sheet.js";

const element = (id) => document.getElementById(id);
const button = (does) => document.querySelector(`[data-does=${does}]`);
const [drawing, picture, says, width, file] = ["drawing", "picture", "says", "width", "file"].map(element);

await isolate();
const model = JSON.parse(await readText("model.json"));
const sheet = new Sheet(model.size, model.channels, model.look);
const thinnest = model.look ? Math.max(model.look.stroke[1], 1) : Math.max(...model.size) / 128;
const camera = new Camera();
let runtime = null, erasing = false, seen = false, shown = null, example = 0;

function say(text, bad = false) {
  says.textContent = text;
  says.className = bad ? "bad" : "";
}

const fail = (error) => say(`${error.message ?? error}`, true);

// ---- what the model is given, and what it makes of it

let busy = false, stale = false;

/** Translates what is drawn: one picture at a time, and after it the newest, whatever was drawn between. */
async function translate() {
  stale = true;
  if (busy || !runtime) return;
  busy = true;
  picture.setAttribute("aria-busy", "true");
  try {
    while (stale) {
      stale = false;
      const pixels = sheet.pixels();
      const made = await runtime.translate(pixels, [1, ...model.size, model.channels]);
      shown = { drawing: pixels, picture: made.pixels };
      drawPixels(picture, made.pixels);
      rate(made.ms);
    }
  } catch (error) {
    fail(error);
  } finally {
    busy = false;
    picture.setAttribute("aria-busy", "false");
  }
}

let usual = null; // milliseconds that a picture takes

function rate(ms) {
  usual = usual === null ? ms : 0.8 * usual + 0.2 * ms;
  const second = 1000 / usual;
  element("rate").textContent = `${second < 10 ? second.toFixed(1) : second.toFixed(0)} pictures a second`;
  element("how").textContent = ` · ${runtime.how}`;
}

/** Shows the sheet after a change, and has it translated. */
function changed() {
  show();
  translate();
}

function show() {
  if (seen) {
    [drawing.height, drawing.width] = model.size;
    drawPixels(drawing, sheet.pixels());
  } else {
    sheet.show(drawing.getContext("2d"));
  }
  drawing.classList.toggle("seen", seen);
  button("undo").disabled = !sheet.canUndo;
  button("redo").disabled = !sheet.canRedo;
  element("hint").hidden = !sheet.isEmpty;
}

/** Gives the sheet as many pixels as the screen has there. */
function fitToScreen() {
  if (!seen) {
    const wide = Math.max(1, Math.round(drawing.clientWidth * devicePixelRatio));
    drawing.width = wide;
    drawing.height = Math.round(wide * sheet.height / sheet.width);
  }
  show();
}

// ---- pen and eraser

const penWidth = () => thinnest * (Math.max(...model.size) / 16 / thinnest) ** (width.value / width.max);

function stroke() {
  const colour = element("colour").value.match(/\w\w/g).map((pair) => parseInt(pair, 16));
  return { erases: erasing, width: erasing ? Math.max(3 * penWidth(), Math.max(...model.size) / 24) : penWidth(), colour };
}

function placeOf(event) {
  const box = drawing.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * sheet.width, (event.clientY - box.top) / box.height * sheet.height];
}

let pointer = null; // the one that draws: a palm or a second finger does not

drawing.addEventListener("pointerdown", (event) => {
  if (pointer !== null || event.button !== 0) return;
  if (camera.isOn) stopCamera();
  pointer = event.pointerId;
  drawing.setPointerCapture(pointer);
  sheet.begin(stroke(), placeOf(event));
  changed();
});

drawing.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) sheet.go(placeOf(each));
  changed();
});

for (const end of ["pointerup", "pointercancel"]) {
  drawing.addEventListener(end, (event) => { if (event.pointerId === pointer) pointer = null; });
}

// ---- images

function put(image, instead = false) {
  const { kind, base } = baseOf(image, model);
  sheet.put(base, instead);
  changed();
  return kind;
}

const TAKEN = {
  drawing: "Taken for a drawing: its lines are redrawn as the model knows them.",
  photograph: "Taken for a photograph: its edges are drawn.",
  image: "Everything happens in this browser: nothing that you draw leaves it.",
};

async function take(given) {
  const image = await firstImage(given);
  if (!image) return say("That is no image that this browser reads. Try a PNG or a JPEG.", true);
  if (camera.isOn) stopCamera();
  say(TAKEN[put(image)]);
}

async function startCamera() {
  if (!navigator.mediaDevices) return say("The browser gives a webcam only to pages that come over https.", true);
  button("camera").setAttribute("aria-pressed", "true");
  try {
    let instead = false;
    await camera.start(async (video) => {
      put(video, instead);
      instead = true;
      while (busy) await new Promise(requestAnimationFrame);
    });
  } catch (error) {
    stopCamera();
    say(error.name === "NotAllowedError" ? "The webcam was not allowed." : `There is no webcam: ${error.message}`, true);
  }
}

function stopCamera() {
  camera.stop();
  button("camera").setAttribute("aria-pressed", "false");
}

// ---- tools

function pick(eraser) {
  erasing = eraser;
  button("pen").setAttribute("aria-pressed", String(!eraser));
  button("eraser").setAttribute("aria-pressed", String(eraser));
  showWidth();
}

const showWidth = () => document.documentElement.style.setProperty("--width", width.value / width.max);

const tools = {
  pen: () => pick(false),
  eraser: () => pick(true),
  undo() { sheet.undo(); changed(); },
  redo() { sheet.redo(); changed(); },
  clear() { stopCamera(); sheet.clear(); changed(); },
  thinner() { width.stepDown(); showWidth(); },
  thicker() { width.stepUp(); showWidth(); },
  open: () => file.click(),
  camera: () => (camera.isOn ? stopCamera() : startCamera()),
  async example() {
    const image = await createImageBitmap(new Blob([await read(model.examples[example++ % model.examples.length])]));
    say(TAKEN.image);
    put(image);
  },
  seen() {
    seen = !seen;
    button("seen").setAttribute("aria-pressed", String(seen));
    fitToScreen();
  },
  async save() {
    if (!shown) return;
    await save(shown.drawing, model.size, "drawing.png");
    await save(shown.picture, model.size, "picture.png");
  },
};

const KEYS = {
  p: "pen", e: "eraser", z: "undo", Z: "redo", y: "redo", Delete: "clear", Backspace: "clear", "[": "thinner", "]": "thicker",
  o: "open", c: "camera", x: "example", v: "seen", s: "save",
};

addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey, does = KEYS[event.key];
  if (event.altKey || !does || (command && !["undo", "redo", "open", "save"].includes(does))) return;
  if (does === "example" && !model.examples.length) return;
  event.preventDefault();
  tools[does]();
});

for (const each of document.querySelectorAll("[data-does]")) each.addEventListener("click", () => tools[each.dataset.does]());
width.addEventListener("input", showWidth);
file.addEventListener("change", () => { if (file.files.length) take(file.files); file.value = ""; });
addEventListener("paste", (event) => take(event.clipboardData.items));
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files);
});
new ResizeObserver(fitToScreen).observe(drawing);

// ---- the beginning

document.title = document.querySelector("h1").textContent = model.title;
document.documentElement.style.setProperty("--ratio", sheet.width / sheet.height);
[picture.height, picture.width] = model.size;
drawPixels(picture, new Uint8Array(sheet.height * sheet.width).fill(255));
element("colour-box").hidden = model.look !== null || model.channels === 1;
button("example").hidden = model.examples.length === 0;
say("Loading the model ...");
element("bar").hidden = false;
try {
  runtime = await Runtime.load(model, Object.fromEntries(new URLSearchParams(location.search)), (share) => {
    element("bar").style.setProperty("--done", share);
  });
  say(TAKEN.image);
  await translate();
} catch (error) {
  fail(error);
} finally {
  element("bar").hidden = true;
}
