// Proofs of the ledger, checked with the browser's own Web Crypto: leaves, paths and signed heads (RFC 9162, 2.1; C2SP signed-note).
// Nothing here touches the page. Hashes are Uint8Arrays, numbers of leaves BigInts.
"use strict";

const ledgerProofs = (() => {
  const bytes = (text) => new TextEncoder().encode(text);
  const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const toHex = (raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

  async function sha256(...parts) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
  }
  const leafHash = (body) => sha256(Uint8Array.of(0), bytes(body));
  const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

  // The root that a leaf and its path lead to; null where the path does not fit the place.
  async function rootOf(leaf, index, size, path) {
    if (index < 0n || index >= size) return null;
    let [position, last, hash] = [index, size - 1n, leaf];
    for (const sibling of path) {
      if (last === 0n) return null;
      if (position & 1n || position === last) {
        hash = await nodeHash(sibling, hash);
        [position, last] = risen(position, last);
      } else {
        hash = await nodeHash(hash, sibling);
      }
      [position, last] = [position >> 1n, last >> 1n];
    }
    return last === 0n ? hash : null;
  }

  // Past the levels where a node on the right border has no sibling and rises as it is.
  function risen(position, last) {
    while (position && !(position & 1n)) [position, last] = [position >> 1n, last >> 1n];
    return [position, last];
  }

  // Whether the tree of `newSize` leaves begins with all of the tree of `oldSize`.
  async function isConsistent(oldSize, newSize, oldRoot, newRoot, proof) {
    if (oldSize < 1n || oldSize > newSize) return false;
    if (oldSize === newSize) return proof.length === 0 && same(oldRoot, newRoot);
    const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : [...proof];
    if (!path.length) return false;
    let [position, last] = [oldSize - 1n, newSize - 1n];
    while (position & 1n) [position, last] = [position >> 1n, last >> 1n];
    let [older, newer] = [path[0], path[0]];
    for (const sibling of path.slice(1)) {
      if (last === 0n) return false;
      if (position & 1n || position === last) {
        [older, newer] = [await nodeHash(sibling, older), await nodeHash(sibling, newer)];
        [position, last] = risen(position, last);
      } else {
        newer = await nodeHash(newer, sibling);
      }
      [position, last] = [position >> 1n, last >> 1n];
    }
    return last === 0n && same(older, oldRoot) && same(newer, newRoot);
  }

  // A signed head in its parts. Throws for what is none.
  function parseNote(note) {
    const end = note.indexOf("\n\n");
    const text = note.slice(0, end + 1);
    const [origin, size, root] = text.split("\n");
    if (end < 0 || !origin || !/^(0|[1-9][0-9]{0,18})$/.test(size ?? "")) throw new Error("this is no signed checkpoint");
    const rootHash = fromBase64(root);
    if (rootHash.length !== 32) throw new Error("the checkpoint's root is no SHA-256");
    const signatures = note.slice(end + 2).split("\n").filter(Boolean).map((line) => {
      const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
      if (!name) throw new Error("a signature line of the checkpoint is malformed");
      return { name, raw: fromBase64(encoded) };
    });
    return { text, origin, size: BigInt(size), root: rootHash, signatures };
  }

  // true, false, or null where this browser has no Ed25519.
  async function isSignedBy(head, vkey) {
    const [name, id, encoded] = [vkey.split("+")[0], vkey.split("+")[1], vkey.split("+").slice(2).join("+")];
    const key = fromBase64(encoded);
    const ownId = (await sha256(bytes(`${name}\n`), key)).slice(0, 4);
    if (key.length !== 33 || key[0] !== 1 || toHex(ownId) !== id) return false;
    const signature = head.signatures.find((each) => each.name === name && same(each.raw.slice(0, 4), ownId));
    if (!signature) return false;
    let publicKey;
    try {
      publicKey = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return null;
    }
    return crypto.subtle.verify({ name: "Ed25519" }, publicKey, signature.raw.slice(4), bytes(head.text));
  }

  // Whether `text`, a value's canonical JSON, and its salt (base64) open a commitment that stands in an entry.
  async function opens(commitment, text, salt) {
    const raw = fromBase64(salt);
    return raw.length === 16 && same(await sha256(raw, bytes(text)), fromBase64(commitment.$c));
  }

  return { fromHex, toHex, same, leafHash, rootOf, isConsistent, parseNote, isSignedBy, opens };
})();
