// One display: its name is in the address.
const path = window.location.pathname.replace(/\/$/, "");
const name = decodeURIComponent(path.split("/").pop());
const picture = document.getElementById("picture");

document.title = name;
document.getElementById("name").textContent = name;
picture.addEventListener("error", () => {
  document.getElementById("signed-out").hidden = false;
  picture.hidden = true;
});
picture.src = `${path}/stream`;
