// Starts Swagger UI. A file of its own, because the page allows no inline script.
"use strict";
const target = document.getElementById("swagger-ui");
window.SwaggerUIBundle({
  domNode: target,
  url: target.dataset.description,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // The public validator would be asked about every page.
  validatorUrl: null,
});
