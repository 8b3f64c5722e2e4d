"use strict";

// Made-up pictures, drawn here: a document side and a selfie. Nobody is in them.

function drawFace(pen, x, y, size) {
  pen.fillStyle = "#c9d6e6";
  pen.fillRect(x - size, y - size * 1.2, size * 2, size * 2.4);
  pen.fillStyle = "#e0b08f";
  pen.beginPath();
  pen.ellipse(x, y - size * 0.2, size * 0.55, size * 0.7, 0, 0, 7);
  pen.fill();
  pen.fillStyle = "#4a3426";
  pen.beginPath();
  pen.ellipse(x, y - size * 0.62, size * 0.58, size * 0.36, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#35537a";
  pen.beginPath();
  pen.ellipse(x, y + size * 1.2, size * 0.95, size * 0.65, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#26201c";
  for (const side of [-1, 1]) {
    pen.beginPath();
    pen.arc(x + side * size * 0.22, y - size * 0.25, size * 0.06, 0, 7);
    pen.fill();
  }
  pen.strokeStyle = "#8a4a3a";
  pen.lineWidth = size * 0.05;
  pen.beginPath();
  pen.arc(x, y, size * 0.22, 0.4, Math.PI - 0.4);
  pen.stroke();
}

function drawDocument(kind, part) {
  const canvas = h("canvas", { width: 640, height: 400, role: "img", "aria-label": "Made-up picture of a " + kind + ", " + part });
  const pen = canvas.getContext("2d");
  const ground = pen.createLinearGradient(0, 0, 640, 400);
  ground.addColorStop(0, "#d9e7f5");
  ground.addColorStop(1, "#f3e6d4");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 640, 400);
  pen.strokeStyle = "rgb(70 110 150 / .25)";
  for (let i = 0; i < 14; i++) {
    pen.beginPath();
    pen.ellipse(480, 180, 30 + i * 26, 16 + i * 15, 0.4, 0, 7);
    pen.stroke();
  }
  pen.fillStyle = "#1d3557";
  pen.font = "bold 30px sans-serif";
  pen.fillText("SPECIMEN · " + kind.toUpperCase(), 28, 52);
  pen.font = "20px sans-serif";
  if (part === "back") {
    pen.fillStyle = "#3d3d3d";
    pen.fillRect(28, 80, 584, 60);
    pen.fillStyle = "#1d3557";
  } else {
    drawFace(pen, 118, 190, 84);
    ["SURNAME  EXAMPLE", "GIVEN NAMES  ALEX", "NATIONALITY  UTOPIA", "NUMBER  10000001"].forEach((line, i) => pen.fillText(line, 240, 120 + i * 42));
  }
  pen.font = "22px monospace";
  pen.fillText("IDUTO10000001<<<<<<<<<<<<<<<<<<", 28, 342);
  pen.fillText("EXAMPLE<<ALEX<<<<<<<<<<<<<<<<<<", 28, 376);
  return canvas;
}

function drawSelfie() {
  const canvas = h("canvas", { width: 400, height: 400, role: "img", "aria-label": "Made-up selfie" });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#b9cbe0";
  pen.fillRect(0, 0, 400, 400);
  drawFace(pen, 200, 190, 180);
  return canvas;
}
