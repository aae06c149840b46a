// Enhancements of the pages, which all work without scripts. Attributes select the elements.
"use strict";

// <button data-reveal="id of a password field" hidden>: shows the password until the form is submitted.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // Browsers save a password only from a field of the type "password".
  field.form?.addEventListener("submit", () => show(false));
  addEventListener("pagehide", () => show(false));
}

// <p data-caps="Caps Lock is on." data-for="id of a password field">: shows the hint while Caps Lock is on.
for (const hint of document.querySelectorAll("[data-caps]")) {
  const field = document.getElementById(hint.dataset.for);
  const update = (event) => {
    const on = event.getModifierState?.("CapsLock") ?? false;
    hint.textContent = on ? hint.dataset.caps : "";
  };
  for (const type of ["keydown", "keyup", "mousedown"]) {
    field.addEventListener(type, update);
  }
  field.addEventListener("blur", () => (hint.textContent = ""));
}

// The list of languages closes on a click elsewhere and on Escape.
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

// A button looks busy after it has submitted its form. It is not disabled, because its value is part of the form, and
// a second press is harmless.
addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
// The page was restored from the back/forward cache.
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
