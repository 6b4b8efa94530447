// Seals and opens with npm's age-encryption.  Takes cases as JSON on the input, gives answers on the output.
// Usage: node age_peer.mjs FOLDER-OF-NPM-PACKAGES
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const module = resolve(process.argv[2], "age-encryption", "dist", "index.js");
const age = await import(pathToFileURL(module).href);

async function seal({ recipient, passphrase, content }) {
    const encrypter = new age.Encrypter();
    if (passphrase) {
        encrypter.setPassphrase(passphrase);
        encrypter.setScryptWorkFactor(10);
    } else encrypter.addRecipient(recipient);
    return Buffer.from(await encrypter.encrypt(Buffer.from(content, "base64"))).toString("base64");
}

async function open({ identity, passphrase, content }) {
    const decrypter = new age.Decrypter();
    if (passphrase) decrypter.addPassphrase(passphrase);
    else decrypter.addIdentity(identity);
    return Buffer.from(await decrypter.decrypt(Buffer.from(content, "base64"))).toString("base64");
}

const verbs = {
    seal,
    open,
    generate: ({ hybrid }) => (hybrid ? age.generateHybridIdentity() : age.generateX25519Identity()),
    recipient: ({ identity }) => age.identityToRecipient(identity),
};

const answers = [];
for (const one of JSON.parse(readFileSync(0, "utf8"))) answers.push(await verbs[one.verb](one));
process.stdout.write(JSON.stringify(answers));
