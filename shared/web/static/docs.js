// Starts Swagger UI or Redoc on the page that loaded it. A file of its own: the page's policy allows no inline script.
"use strict";
const swagger = document.getElementById("swagger-ui");
if (swagger !== null) {
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    domNode: swagger,
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}
const redoc = document.getElementById("redoc");
if (redoc !== null) {
  Redoc.init("openapi.json", { disableSearch: true, hideDownloadButton: false, nativeScrollbars: true }, redoc);
}
