// What the pages offer where scripts run; every page works without. Attributes say which element does what.
"use strict";

// <button data-reveal="id of a password field" hidden>: shows what was typed, until the form is sent.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // A browser saves a password only from a field that is of that type.
  field.form?.addEventListener("submit", () => show(false));
  addEventListener("pagehide", () => show(false));
}

// <p data-caps="Caps Lock is on." data-for="id of a password field">: says so while somebody types there.
for (const hint of document.querySelectorAll("[data-caps]")) {
  const field = document.getElementById(hint.dataset.for);
  const tell = (event) => {
    const on = event.getModifierState?.("CapsLock") ?? false;
    hint.textContent = on ? hint.dataset.caps : "";
  };
  for (const what of ["keydown", "keyup", "mousedown"]) {
    field.addEventListener(what, tell);
  }
  field.addEventListener("blur", () => (hint.textContent = ""));
}

// A list of languages closes when somebody looks elsewhere.
for (const list of document.querySelectorAll(".languages")) {
  addEventListener("click", (event) => {
    list.open &&= list.contains(event.target);
  });
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && list.open) {
      list.open = false;
      list.querySelector("summary").focus();
    }
  });
}

// A button that has sent its form looks busy. It is not disabled: its value is part of the form, and another
// press does no harm where the first one was lost.
addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
// Back on a page that the browser has kept.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) {
    button.removeAttribute("aria-busy");
  }
});

// <button data-copy="what" data-copied="Copied" hidden>: copies it to the clipboard.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        return;
      }
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = label), 2000);
    });
  }
}
