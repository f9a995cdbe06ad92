// Shows the API's description with Swagger UI, which asks no other host for anything.

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const inItsColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
inItsColours();
dark.addEventListener("change", inItsColours);

// Where people log in, a request that changes something has the token of the page.
const csrfToken = document.querySelector("meta[name=csrf-token]")?.content;
const place = document.getElementById("swagger");

// Swagger UI nests a link in the button of each operation, skips a level of headings, and has text outside any landmark.
function mend() {
  for (const link of place.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
  for (const heading of place.querySelectorAll("h3.opblock-tag:not([aria-level])")) {
    heading.setAttribute("role", "heading");
    heading.setAttribute("aria-level", "2");
  }
  const about = place.querySelector(".information-container:not([role])");
  about?.setAttribute("role", "region");
  about?.setAttribute("aria-label", "About the service");
}
new MutationObserver(mend).observe(place, { childList: true, subtree: true });

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
    requestInterceptor: (request) => {
      if (csrfToken && !request.headers.Authorization) request.headers["X-CSRF-Token"] = csrfToken;
      return request;
    },
  });
};
script.onerror = () => {
  place.textContent = "Swagger UI could not be loaded.";
};
document.head.append(script);
