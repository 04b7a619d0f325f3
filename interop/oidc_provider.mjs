// A third-party, certified OpenID provider, npm's `oidc-provider`, with one public client and one resource.
//
// The provider itself does all checks (PKCE, redirect URIs, device codes, rotation), and the pages are its own. It
// prints a line of JSON with its URL when it listens, and one for everything that it accepted or rejected. It ends when
// its input ends.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The folder that contains node_modules, and options that replace those below.
const [folder, given = "{}"] = process.argv.slice(2);
const options = {
  clientId: "5ec0ffee-bbbb-4000-8000-00000000001d",
  resource: "https://api.contoso.com",
  accessTokenSeconds: 3600,
  deviceCodeSeconds: 600,
  ...JSON.parse(given),
};
const { Provider } = await import(pathToFileURL(createRequire(folder + "/").resolve("oidc-provider")).href);

// Notices for production use.
console.info = console.warn = () => {};
const say = (said) => process.stdout.write(JSON.stringify(said) + "\n");

// A free port. The provider needs its URL when it is created.
const server = createServer();
await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: options.clientId,
      client_name: "A program of Contoso's",
      application_type: "native",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      response_types: ["code"],
      // With any port (RFC 8252 section 7.3).
      redirect_uris: ["http://localhost", "http://localhost/", "http://127.0.0.1", "http://127.0.0.1/"],
    },
  ],
  scopes: ["openid", "profile", "offline_access"],
  claims: { openid: ["sub"], profile: ["name", "preferred_username"] },
  // Claims in the ID token, as in Entra ID, not only at the userinfo endpoint.
  conformIdTokenClaims: false,
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, name: `${accountId} of Contoso`, preferred_username: accountId }),
  }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  features: {
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // For a request without a resource, which RFC 8707 leaves to the provider.
      defaultResource: () => options.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: `${options.resource}/.default`,
        audience: options.resource,
        accessTokenFormat: "jwt",
        accessTokenTTL: options.accessTokenSeconds,
      }),
    },
  },
  ttl: { DeviceCode: options.deviceCodeSeconds },
});

const asked = ["grant_type", "scope", "redirect_uri", "response_mode", "code_challenge_method", "prompt", "login_hint"];
const pick = (parameters) =>
  Object.fromEntries(asked.filter((name) => parameters?.[name]).map((name) => [name, parameters[name]]));
for (const event of ["authorization.accepted", "device_authorization.success", "grant.success"])
  provider.on(event, (context) => say({ event, ...pick(context.oidc.params) }));
for (const event of ["authorization.error", "device_authorization.error", "grant.error", "server_error"])
  provider.on(event, (context, error) =>
    say({ event, ...pick(context.oidc?.params), error: error.error, why: error.error_detail ?? error.message }),
  );
// A refresh token that is used a second time revokes its whole family.
for (const event of ["refresh_token.consumed", "grant.revoked"]) provider.on(event, () => say({ event }));

server.on("request", provider.callback());
say({ event: "listens", issuer, ...options });
process.stdin.resume().on("end", () => process.exit(0));
