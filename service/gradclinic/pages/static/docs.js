// Shows the API's description with Swagger UI, which asks no other host for anything.

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const inItsColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
inItsColours();
dark.addEventListener("change", inItsColours);

const place = document.getElementById("swagger");
const script = document.createElement("script");
script.src = place.dataset.script;
script.onload = () => {
  window.SwaggerUIBundle({
    url: "/openapi.json",
    domNode: place,
    deepLinking: true,
    validatorUrl: null,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
};
script.onerror = () => {
  place.textContent = "Swagger UI could not be loaded.";
};
document.head.append(script);
