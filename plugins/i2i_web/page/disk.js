// A page that is opened from the disk may not load its modules, its model or its runtime: this says so, being none.
if (location.protocol === "file:") {
  addEventListener("DOMContentLoaded", () => {
    const says = document.getElementById("says");
    says.className = "bad";
    says.textContent = "Opened from the disk, a page may not read the files beside it, so there is no model. "
      + "Put this folder on a host (or: python -m http.server), or export it with --set one_file=true.";
  });
}
