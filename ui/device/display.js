// One display: its name is in the address.
import { follow } from "/static/picture.js";

const path = window.location.pathname.replace(/\/$/, "");
const name = decodeURIComponent(path.split("/").pop());
const picture = document.getElementById("picture");

document.title = name;
document.getElementById("name").textContent = name;
follow(picture, `${path}/stream`, (is) => {
  document.getElementById("signed-out").hidden = is;
  picture.hidden = !is;
});
