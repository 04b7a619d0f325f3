// A service that acts for its caller, with Node's @azure/identity. Standard input: {"tenant", "client_id", "secret",
// "assertion", "scope", "options"}. Standard output: the access token.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

// The folder that contains node_modules.
const { OnBehalfOfCredential } = createRequire(process.argv[2] + "/")("@azure/identity");

const { tenant, client_id, secret, assertion, scope, options } = JSON.parse(await text(process.stdin));
const credential = new OnBehalfOfCredential({
  tenantId: tenant,
  clientId: client_id,
  clientSecret: secret,
  userAssertionToken: assertion,
  ...options,
});
process.stdout.write(JSON.stringify({ token: (await credential.getToken(scope)).token }));
