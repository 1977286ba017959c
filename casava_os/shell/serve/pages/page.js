// The terminal takes the keys once its websocket is open, and again when the window comes back.
const takeKeys = () => {
  if (document.body.classList.contains("-loaded")) document.querySelector(".xterm-helper-textarea")?.focus();
};
window.addEventListener("load", () => {
  new MutationObserver(takeKeys).observe(document.body, { attributeFilter: ["class"] });
});
window.addEventListener("focus", takeKeys);
