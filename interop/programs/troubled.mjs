// A program that ends as programs do: an exception that nothing catches. Argument: the folder with node_modules.

import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const { DefaultAzureCredential } = require("@azure/identity");

await new DefaultAzureCredential().getToken("https://management.azure.com/.default");
