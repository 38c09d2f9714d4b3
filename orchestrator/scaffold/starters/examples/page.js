import { thanks } from "./words.js";

document.querySelector("#order").addEventListener("submit", (event) => {
  event.preventDefault();
  const item = new FormData(event.target).get("item");
  document.querySelector("#answer").textContent = thanks(item);
});
