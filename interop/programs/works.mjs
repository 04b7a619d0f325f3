// One sign-in after the other, for the page docs/programs.md: each as the package's documentation says. Arguments: the
// folder with node_modules, the package, its ways. Standard output: lines of JSON, the first with the package's version,
// then one for each way: the token, what was found with it, or the error. A line with "open", or with "code" and
// "address", is for the person at the computer.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, library, ...ways] = process.argv.slice(2);
const require = createRequire(modules + "/");
const env = process.env;

const ARM = "https://management.azure.com";
const SCOPE = ARM + "/.default";
const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const TENANT = env.AZURE_TENANT_ID ?? env.PERSONS_TENANT;

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const forDevice = (code, address) => say({ code, address });
const ofBrowser = async (url) => say({ open: url });

// The token of a job of GitHub Actions, as its documentation shows.
async function jobsToken() {
  const url = env.ACTIONS_ID_TOKEN_REQUEST_URL + "&audience=api://AzureADTokenExchange";
  const headers = { Authorization: "Bearer " + env.ACTIONS_ID_TOKEN_REQUEST_TOKEN };
  return (await (await fetch(url, { headers })).json()).value;
}

function credential(way) {
  const identity = require("@azure/identity");
  const made = {
    AzurePipelinesCredential: () =>
      new identity.AzurePipelinesCredential(
        env.AZURESUBSCRIPTION_TENANT_ID,
        env.AZURESUBSCRIPTION_CLIENT_ID,
        env.AZURESUBSCRIPTION_SERVICE_CONNECTION_ID,
        env.SYSTEM_ACCESSTOKEN,
      ),
    ClientAssertionCredential: () => new identity.ClientAssertionCredential(TENANT, env.AZURE_CLIENT_ID, jobsToken),
    DeviceCodeCredential: () =>
      new identity.DeviceCodeCredential({
        tenantId: TENANT,
        userPromptCallback: ({ userCode, verificationUri }) => forDevice(userCode, verificationUri),
      }),
  }[way];
  return made ? made() : new identity[way]();
}

async function ofCredential(way) {
  return { token: (await credential(way).getToken(SCOPE)).token };
}

async function ofMsal(way) {
  const msal = require("@azure/msal-node");
  const authority = "https://login.microsoftonline.com/" + TENANT;
  if (way === "ManagedIdentityApplication") {
    const answer = await new msal.ManagedIdentityApplication().acquireToken({ resource: ARM });
    return { token: answer.accessToken };
  }
  if (way.startsWith("ConfidentialClientApplication")) {
    const secret = {
      "ConfidentialClientApplication, secret": { clientSecret: env.AZURE_CLIENT_SECRET },
      "ConfidentialClientApplication, assertion": { clientAssertion: jobsToken },
      "ConfidentialClientApplication, token file": {
        clientAssertion: async () => readFileSync(env.AZURE_FEDERATED_TOKEN_FILE, "utf8"),
      },
    }[way];
    const app = new msal.ConfidentialClientApplication({ auth: { clientId: env.AZURE_CLIENT_ID, authority, ...secret } });
    return { token: (await app.acquireTokenByClientCredential({ scopes: [SCOPE] })).accessToken };
  }
  const app = new msal.PublicClientApplication({ auth: { clientId: AZURE_CLI, authority } });
  const scopes = [ARM + "//.default"];
  const answer = await {
    "PublicClientApplication, device code": () =>
      app.acquireTokenByDeviceCode({
        scopes,
        deviceCodeCallback: ({ userCode, verificationUri }) => forDevice(userCode, verificationUri),
      }),
    "PublicClientApplication, browser": () => app.acquireTokenInteractive({ scopes, openBrowser: ofBrowser }),
  }[way]();
  return { token: answer.accessToken };
}

async function ofOpenId(way) {
  const client = await import(pathToFileURL(require.resolve("openid-client")));
  const discover = (id, secret) =>
    client.discovery(new URL(`https://login.microsoftonline.com/${TENANT}/v2.0`), id, secret);
  if (way === "client credentials") {
    const config = await discover(env.AZURE_CLIENT_ID, env.AZURE_CLIENT_SECRET);
    return { token: (await client.clientCredentialsGrant(config, { scope: SCOPE })).access_token };
  }
  const config = await discover(AZURE_CLI, undefined);
  config.timeout = 30;
  const scope = `${SCOPE} openid offline_access`;
  if (way === "device code") {
    const device = await client.initiateDeviceAuthorization(config, { scope });
    forDevice(device.user_code, device.verification_uri);
    return { token: (await client.pollDeviceAuthorizationGrant(config, device)).access_token };
  }
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const redirect_uri = `http://localhost:${server.address().port}/`;
  const verifier = client.randomPKCECodeVerifier();
  const answered = new Promise((done) =>
    server.on("request", (request, response) => {
      response.end("You can close this tab.");
      done(new URL(request.url, redirect_uri));
    }),
  );
  const code_challenge = await client.calculatePKCECodeChallenge(verifier);
  const parameters = { redirect_uri, scope, code_challenge, code_challenge_method: "S256" };
  say({ open: client.buildAuthorizationUrl(config, parameters).href });
  const answer = await client.authorizationCodeGrant(config, await answered, { pkceCodeVerifier: verifier });
  server.close();
  server.closeAllConnections();
  return { token: answer.access_token };
}

async function collect(pages, name) {
  const found = [];
  for await (const item of pages) found.push(name(item));
  return { found };
}

const { AZUREML_ARM_SUBSCRIPTION: subscription, AZUREML_ARM_RESOURCEGROUP: group } = env;

const LIBRARIES = {
  "@azure/identity": ofCredential,
  "@azure/msal-node": ofMsal,
  "openid-client": ofOpenId,
  "@azure/arm-authorization": async (way) => {
    const { AuthorizationManagementClient } = require("@azure/arm-authorization");
    const client = new AuthorizationManagementClient(credential(way), subscription);
    const scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
    const roles = client.roleDefinitions.list(scope, { filter: "roleName eq 'AzureML Data Scientist'" });
    return collect(roles, (role) => role.roleName);
  },
  "@azure/arm-machinelearning": async (way) => {
    const { AzureMachineLearningWorkspaces, AzureMachineLearningServicesManagementClient } =
      require("@azure/arm-machinelearning");
    const Client = AzureMachineLearningServicesManagementClient ?? AzureMachineLearningWorkspaces;
    const workspace = await new Client(credential(way), subscription).workspaces.get(group, env.AZUREML_ARM_WORKSPACE_NAME);
    return { found: [workspace.name] };
  },
  "@azure/storage-blob": async (way) => {
    const { ContainerClient } = require("@azure/storage-blob");
    const container = new ContainerClient(env.AZURE_STORAGE_ENDPOINT + "/data", credential(way));
    return collect(container.listBlobsFlat(), (blob) => blob.name);
  },
};

function withCauses(error) {
  const causes = [];
  for (let cause = error; cause; cause = cause.cause) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : JSON.stringify(cause));
  }
  return causes.join(" <- ");
}

say({ version: JSON.parse(readFileSync(`${modules}/${library}/package.json`, "utf8")).version });
for (const way of ways) {
  let answer;
  try {
    answer = await LIBRARIES[library](way);
  } catch (error) {
    answer = { error: withCauses(error) };
  }
  say({ way, ...answer });
}
