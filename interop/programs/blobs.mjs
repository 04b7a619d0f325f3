// Blobs put, listed, got and deleted with @azure/storage-blob, as its documentation says. Arguments: the folder with
// node_modules, a blob, containers. Standard output: a line of JSON for each step: the container, the step, and what
// came of it.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const [modules, blob, ...containers] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { DefaultAzureCredential } = require("@azure/identity");
const { ContainerClient } = require("@azure/storage-blob");

const CONTENT = "a,b\n1,2\n";

const STEPS = {
  upload: async (client) => {
    await client.getBlockBlobClient(blob).upload(CONTENT, CONTENT.length);
    return "";
  },
  list: async (client) => {
    const names = [];
    for await (const found of client.listBlobsFlat()) names.push(found.name);
    return names.join(" ");
  },
  download: async (client) => text((await client.getBlobClient(blob).download()).readableStreamBody),
  delete: async (client) => {
    await client.deleteBlob(blob);
    return "";
  },
};

for (const container of containers) {
  const url = `${process.env.AZURE_STORAGE_ENDPOINT}/${container}`;
  const client = new ContainerClient(url, new DefaultAzureCredential());
  for (const [step, run] of Object.entries(STEPS)) {
    let answer;
    try {
      answer = { found: await run(client) };
    } catch (error) {
      answer = { error: `${error.name}: ${error.code}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify({ container, step, ...answer }) + "\n");
  }
}
