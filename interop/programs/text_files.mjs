// A program that gives files, one after the other, to Node's @azure/identity. As text_files.py, without workspaces.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

// The folder that contains node_modules.
const { ClientCertificateCredential, WorkloadIdentityCredential } = createRequire(process.argv[2] + "/")("@azure/identity");

const { jobs, scope } = JSON.parse(await text(process.stdin));
const credentials = {
  certificate: (path, { tenant, client, password, ...options }) =>
    new ClientCertificateCredential(tenant, client, { certificatePath: path, certificatePassword: password }, options),
  token: (path, { tenant, client, ...options }) =>
    new WorkloadIdentityCredential({ tenantId: tenant, clientId: client, tokenFilePath: path, ...options }),
};
const outcomes = [];
for (const { kind, path, arguments: given } of jobs) {
  try {
    outcomes.push({ read: (await credentials[kind](path, given).getToken(scope)).token });
  } catch (error) {
    outcomes.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(outcomes));
