// Enhancements of the console, which works without scripts. Attributes select the elements.
"use strict";

// Ctrl-K or "/": the search field of the page.
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  const wanted = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
  const field = document.querySelector("[data-search]");
  if (wanted && field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});
