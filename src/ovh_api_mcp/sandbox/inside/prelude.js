// What a script sees (spec, ovh, console) and the engine's half of the channel to the guest.
//
// Contract: this file runs before any code of a script, in the same realm. It captures what it
// needs of the language here, below, and uses nothing else later: no method call on a value that
// a script could have touched, no array push, no iteration, no template of a foreign value.
// The only way in is `host`, which is never reachable from a script (Error.prepareStackTrace,
// whose call sites would hand out functions, is deleted) and wants a token that only the guest
// knows. A script can break its own run; it cannot write a reply, an outcome or a log line.
(function (token, bounds) {
  "use strict";

  const { apply, getPrototypeOf, setPrototypeOf } = Reflect;
  const { create, defineProperty, entries, freeze, hasOwn, keys, getOwnPropertyDescriptor } = Object;
  const { parse, stringify } = JSON;
  const evaluate = eval; // by another name it sees the globals only
  const { isArray } = Array;
  const { isSafeInteger, isFinite } = Number;
  const NativePromise = Promise, NativeError = Error, NativeBigInt = BigInt, NativeString = String;
  const NativeInternalError = InternalError;
  const NativeMap = Map, NativeSet = Set, NativeRegExp = RegExp, NativeDate = Date, NativeBuffer = ArrayBuffer;
  const getTime = Date.prototype.getTime, now = Date.now, bigIntValue = BigInt.prototype.valueOf;
  const functionToString = Function.prototype.toString, indexOf = String.prototype.indexOf;
  const generator = getPrototypeOf(function* () {}), asyncGenerator = getPrototypeOf(async function* () {});
  const then = Promise.prototype.then;
  const mapForEach = Map.prototype.forEach, setForEach = Set.prototype.forEach;
  const regExpToString = RegExp.prototype.toString, symbolToString = Symbol.prototype.toString;
  const numberValue = Number.prototype.valueOf, stringValue = String.prototype.valueOf, booleanValue = Boolean.prototype.valueOf;
  const numberToString = Number.prototype.toString;
  const NativeNumber = Number, NativeBoolean = Boolean;
  const slice = String.prototype.slice, toWellFormed = String.prototype.toWellFormed;
  const lastIndexOf = String.prototype.lastIndexOf, toLowerCase = String.prototype.toLowerCase;
  const isView = ArrayBuffer.isView;
  const { imul } = Math;
  const parseHex = parseInt, byteOf = Uint8Array;
  const weakGet = WeakMap.prototype.get, weakSet = WeakMap.prototype.set, weakDelete = WeakMap.prototype.delete;
  const bound = parse(bounds);
  delete Error.prepareStackTrace;

  const bare = () => create(null);
  function own(object, name, value, enumerable) {
    const descriptor = bare(); // a script may have given Object.prototype a `get`
    descriptor.value = value; descriptor.writable = true; descriptor.enumerable = enumerable; descriptor.configurable = true;
    defineProperty(object, name, descriptor);
  }
  const quote = (text) => stringify(apply(toWellFormed, text, [])); // no lone surrogate gets out
  const cut = (text, length) => (text.length > length ? apply(slice, text, [0, length]) + "…" : text);

  // ---------------------------------------------------------------- values to JSON text

  const TooLarge = bare();
  const MAX_DEPTH = 100, MAX_DIGITS = 1000, MAX_NOTES = 8, NOTE_CHARS = 200, PIECE = 65536;

  // Writes one value, as one text.
  function toJson(value, mode, limit, notes) {
    const pieces = written(value, mode, limit, notes);
    if (pieces === undefined) return undefined;
    let text = "";
    for (let i = 0; i < pieces.count; i++) text += pieces[i];
    return text;
  }

  // A dry run marks what only a real answer would tell. Writing it out is no decision by it, reading it may be one.
  const UNKNOWN = bound.unknown, read = newNotes();
  let isWriting = false;
  function written(value, mode, limit, notes) {
    isWriting = true;
    try { return toPieces(value, mode, limit, notes); } finally { isWriting = false; }
  }
  function watch(value, depth) {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return;
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (value[name] !== UNKNOWN) { watch(value[name], depth + 1); continue; }
      const descriptor = bare();
      descriptor.get = function () {
        if (!isWriting && read.count < MAX_NOTES) read[read.count++] = cut(name, 60);
        return UNKNOWN;
      };
      descriptor.set = function (other) { own(value, name, other, true); };
      descriptor.enumerable = true; descriptor.configurable = true;
      defineProperty(value, name, descriptor);
    }
  }

  // Writes one value, in pieces. mode "result": whatever JSON lacks is shown as a person would wish, and noted.
  // mode "call": as JSON.stringify, but integers beyond 2^53 keep their digits, and what would be
  // lost without a word (NaN, a Map's entries) is written or refused.
  function toPieces(value, mode, limit, notes) {
    const pieces = bare();
    pieces.count = 0;
    let piece = "", size = 0, depth = 0;

    function put(text) {
      size += text.length;
      if (size > limit) throw TooLarge;
      piece += text;
      if (piece.length > PIECE) end();
    }
    function end() {
      pieces[pieces.count++] = apply(slice, piece, [0]);
      piece = "";
    }
    function where(frame) {
      let path = "";
      for (let f = frame; f !== null; f = f.up) path = f.step + path;
      return mode === "call" ? (path === "" ? "what ovh.request was given" : apply(slice, path, [1])) : "result" + path;
    }
    function note(frame, what) {
      if (notes.count < MAX_NOTES) notes[notes.count] = cut(where(frame), NOTE_CHARS) + " " + what;
      notes.count++;
    }
    function mark(frame, shown, what) {
      put(quote(shown));
      note(frame, what);
    }

    // Returns false when the value has no JSON form and a property that holds it is left out.
    function write(item, frame) {
      if (item === null) { put("null"); return true; }
      switch (typeof item) {
        case "string": put(quote(item)); return true;
        case "boolean": put(item ? "true" : "false"); return true;
        case "number":
          if (isFinite(item)) { put(item === 0 ? "0" : "" + item); return true; }
          if (mode === "call") throw new NativeError(where(frame) + " is " + item + ", which JSON cannot hold");
          mark(frame, "" + item, "is " + item + ", which JSON cannot hold: shown as text");
          return true;
        case "bigint": {
          const digits = "" + item; // where they are read, more than some thousand are no number
          if (mode === "call" && digits.length > MAX_DIGITS) throw new NativeError(where(frame) + " is an integer of " + digits.length + " digits, more than any operation takes");
          put(digits);
          return true;
        }
        case "undefined": return false;
        case "symbol":
          if (mode === "call") return false;
          mark(frame, apply(symbolToString, item, []), "is a symbol: shown as text");
          return true;
        case "function":
          if (mode === "call") return false;
          mark(frame, "[function " + cut(nameOf(item), 80) + "]", "is a function, not a value: call it, or return what it gives");
          return true;
      }
      return writeObject(item, frame);
    }

    function writeObject(item, frame) {
      if (mode === "result" && isInvalidDate(item)) {
        mark(frame, "[invalid date]", "is a date that does not exist: shown as [invalid date]");
        return true;
      }
      if (typeof item.toJSON === "function") {
        const plain = item.toJSON("");
        if (plain !== item) return write(plain, frame);
      }
      if (item instanceof NativeNumber) return write(apply(numberValue, item, []), frame);
      if (item instanceof NativeString) return write(apply(stringValue, item, []), frame);
      if (item instanceof NativeBoolean) return write(apply(booleanValue, item, []), frame);
      if (item instanceof NativeBigInt) return write(apply(bigIntValue, item, []), frame);
      for (let f = frame; f !== null; f = f.up) {
        if (f.value !== item) continue;
        if (mode === "call") throw new NativeError(where(frame) + " holds itself, which JSON cannot");
        mark(frame, "[circular]", "holds itself: shown as [circular]");
        return true;
      }
      if (depth >= MAX_DEPTH) {
        if (mode === "call") throw new NativeError("the value is nested deeper than " + MAX_DEPTH + " levels");
        mark(frame, "[nested deeper]", "is nested deeper than " + MAX_DEPTH + " levels: left out");
        return true;
      }
      depth++;
      writeContents(item, frame);
      depth--;
      return true;
    }

    function writeContents(item, frame) {
      if (isArray(item)) return writeList(item, item.length, item, frame);
      if (item instanceof NativePromise) {
        if (mode === "call") throw new NativeError(where(frame) + " is a promise: await it first");
        return mark(frame, "[promise]", "is a promise that was not awaited: use await, or await Promise.all([...])");
      }
      if (item instanceof NativeMap) return writeMap(item, frame);
      if (item instanceof NativeSet) {
        const list = bare();
        let count = 0;
        apply(setForEach, item, [(element) => { list[count++] = element; }]);
        return writeList(list, count, item, frame);
      }
      if (item instanceof NativeRegExp) return put(quote(apply(regExpToString, item, [])));
      if (isView(item) && typeof item.length === "number") return writeList(item, item.length, item, frame);
      if (item instanceof NativeBuffer) {
        const bytes = new byteOf(item);
        return writeList(bytes, bytes.length, item, frame);
      }
      if (item instanceof NativeError) return writeError(item, frame);
      const names = keys(item);
      if (mode === "result" && names.length === 0 && typeof item.next === "function")
        return mark(frame, "[iterator]", "is an iterator, which holds no values yet: return [...it], or Array.from(it)");
      writeFields(item, names, frame, "");
    }

    function writeList(list, count, owner, up) {
      put("[");
      for (let i = 0; i < count; i++) {
        if (i > 0) put(",");
        if (!write(list[i], step(owner, "[" + i + "]", up))) put("null");
      }
      put("]");
    }

    function writeFields(item, names, up, before) {
      let first = before === "";
      put("{" + before);
      for (let i = 0; i < names.length; i++) {
        const value = item[names[i]];
        if (typeof value === "undefined" || (mode === "call" && (typeof value === "function" || typeof value === "symbol"))) continue;
        put((first ? "" : ",") + quote(names[i]) + ":");
        if (!write(value, step(item, "." + names[i], up))) put("null");
        first = false;
      }
      put("}");
    }

    function writeMap(map, up) {
      if (mode === "result" && hasObjectKey(map)) return writePairs(map, up);
      let first = true;
      put("{");
      apply(mapForEach, map, [(value, key) => {
        if (isObjectKey(key)) throw new NativeError(where(up) + " has a key that is no text");
        put((first ? "" : ",") + quote("" + key) + ":");
        if (!write(value, step(map, "." + key, up))) put("null");
        first = false;
      }]);
      put("}");
    }

    function writePairs(map, up) {
      note(up, "has keys that are no text: shown as [key, value] pairs");
      let count = 0;
      put("[");
      apply(mapForEach, map, [(value, key) => {
        put(count > 0 ? ",[" : "[");
        const frame = step(map, "[" + count++ + "]", up);
        if (!write(key, frame)) put("null");
        put(",");
        if (!write(value, frame)) put("null");
        put("]");
      }]);
      put("]");
    }

    function writeError(error, up) {
      const known = apply(weakGet, ovhFields, [error]);
      if (known !== undefined) {
        const fields = parse(known, reviveLong);
        return writeFields(fields, keys(fields), up, '"name":"OvhError"');
      }
      const head = '"name":' + quote(textOf(error.name)) + ',"message":' + quote(textOf(error.message) + reasons(error));
      writeFields(error, keys(error), up, head);
    }

    function step(value, text, up) {
      const frame = bare();
      frame.value = value; frame.step = text; frame.up = up;
      return frame;
    }

    if (!write(value, null)) return undefined;
    end();
    return pieces;
  }

  function isShortage(error) {
    return error instanceof NativeInternalError && textOf(error.message) === "out of memory";
  }
  function isObjectKey(key) {
    return typeof key === "symbol" || (typeof key === "object" && key !== null);
  }
  function hasObjectKey(map) {
    let found = false;
    apply(mapForEach, map, [(value, key) => { found = found || isObjectKey(key); }]);
    return found;
  }
  function isInvalidDate(item) {
    if (!(item instanceof NativeDate)) return false;
    try { const time = apply(getTime, item, []); return time !== time; } catch { return false; }
  }
  // What an error was caused by, or the errors that it stands for, to be put behind its message.
  const MAX_REASONS = 3, REASON_CHARS = 300;
  let isReasoning = false; // a cause may hold its error, or errors without end: theirs are not told
  function reasons(error) {
    if (isReasoning) return "";
    let text = "";
    isReasoning = true;
    try {
      const errors = error.errors;
      if (isArray(errors))
        for (let i = 0; i < errors.length && i < MAX_REASONS; i++) text += (i > 0 ? "; " : " [") + cut(reason(errors[i]), REASON_CHARS);
      if (text !== "") text += errors.length > MAX_REASONS ? "; and " + (errors.length - MAX_REASONS) + " more]" : "]";
      for (let inner = error.cause, i = 0; inner !== undefined && inner !== null && i < MAX_REASONS; inner = inner.cause, i++)
        text += " (caused by " + cut(reason(inner), REASON_CHARS) + ")";
    } catch { } finally { isReasoning = false; }
    return text;
  }
  function reason(value) {
    return value instanceof NativeError ? textOf(value.name) + ": " + textOf(value.message) : shown(value);
  }

  function textOf(value) {
    try { return typeof value === "string" ? value : typeof value === "symbol" ? apply(symbolToString, value, []) : "" + value; }
    catch { return "[unprintable]"; }
  }
  function nameOf(fn) {
    const own = getOwnPropertyDescriptor(fn, "name");
    return own && typeof own.value === "string" && own.value !== "" ? own.value : "without a name";
  }
  function newNotes() {
    const notes = bare();
    notes.count = 0;
    return notes;
  }
  function listOfTexts(texts, count) {
    let out = "[";
    for (let i = 0; i < count; i++) out += (i > 0 ? "," : "") + quote(texts[i]);
    return out + "]";
  }

  // ---------------------------------------------------------------- JSON text to values

  const isLong = (number) => !isSafeInteger(number) && isFinite(number);
  function reviveLong(key, value, context) {
    if (typeof value !== "number" || !isLong(value) || !context) return value;
    try { return NativeBigInt(context.source); } catch { return value; }
  }

  // ---------------------------------------------------------------- console

  let logLines = "", logChars = 0, logsDropped = 0, indent = "";
  const counts = bare(), timers = bare();

  function log(level, args, before = "", first = 0) {
    let text = indent + before;
    const format = args[first];
    let i = first;
    if (typeof format === "string" && args.length > first + 1 && apply(indexOf, format, ["%"]) >= 0) {
      const formatted = fill(format, args, first + 1);
      text += formatted.text;
      i = formatted.next;
    } else if (i < args.length) text += shown(args[i++]);
    for (; i < args.length; i++) text += " " + shown(args[i]);
    text = cut(text, bound.logLineChars);
    logChars += text.length + level.length;
    if (logChars > bound.logsChars) { logsDropped++; return; }
    logLines += (logLines === "" ? "" : ",") + "[" + quote(level) + "," + quote(text) + "]";
  }
  function shown(value) {
    if (typeof value === "string") return value;
    if (typeof value === "bigint") return value + "n";
    try {
      if (value instanceof NativeError && apply(weakGet, ovhFields, [value]) === undefined) return textOf(value.name) + ": " + textOf(value.message) + reasons(value);
      const text = toJson(value, "result", bound.logLineChars, newNotes());
      return text === undefined ? "undefined" : text;
    } catch (error) {
      return error === TooLarge ? "[too large to print]" : "[unprintable]";
    }
  }
  // Puts values into a text in the places of %s, %d, %i, %f, %j, %o, %O; %c takes one and shows nothing.
  function fill(format, args, next) {
    const filled = bare();
    let text = "", from = 0;
    for (let at = apply(indexOf, format, ["%"]); at >= 0; at = apply(indexOf, format, ["%", at])) {
      const letter = at + 1 < format.length ? format[at + 1] : "";
      const isPlace = letter === "s" || letter === "d" || letter === "i" || letter === "f" || letter === "j" ||
        letter === "o" || letter === "O" || letter === "c";
      if (letter === "%" || (isPlace && next < args.length)) {
        text += apply(slice, format, [from, at]);
        if (letter === "%") text += "%";
        else if (letter === "c") next++;
        else text += shown(args[next++]);
        at += 2;
        from = at;
      } else at++;
    }
    filled.text = text + apply(slice, format, [from]);
    filled.next = next;
    return filled;
  }
  function group(args) {
    if (args.length > 0) log("log", args);
    if (indent.length < 20) indent += "  ";
  }
  function label(args) {
    return args.length > 0 ? cut(textOf(args[0]), 80) : "default";
  }
  function elapsed(args, isLast) {
    const name = label(args), begun = timers[name];
    if (begun === undefined) return log("warn", args, "no timer runs by the name ");
    if (isLast) delete timers[name];
    log("log", args, name + ": " + (now() - begun) + " ms" + (args.length > 1 ? " " : ""), 1);
  }
  const console = {
    log(...args) { log("log", args); },
    info(...args) { log("info", args); },
    warn(...args) { log("warn", args); },
    error(...args) { log("error", args); },
    debug(...args) { log("debug", args); },
    trace(...args) { log("debug", args, "Trace: "); },
    dir(value) { log("log", [value]); },
    dirxml(...args) { log("log", args); },
    table(value) { log("log", [value]); },
    assert(holds, ...args) { if (!holds) log("error", args, "Assertion failed: "); },
    count(...args) {
      const name = label(args);
      counts[name] = (counts[name] || 0) + 1;
      log("log", [], name + ": " + counts[name]);
    },
    countReset(...args) { delete counts[label(args)]; },
    time(...args) { timers[label(args)] = now(); },
    timeLog(...args) { elapsed(args, false); },
    timeEnd(...args) { elapsed(args, true); },
    group(...args) { group(args); },
    groupCollapsed(...args) { group(args); },
    groupEnd() { indent = apply(slice, indent, [2]); },
    clear() { },
  };

  // ---------------------------------------------------------------- randomness

  // Every child is a copy of one zygote, so the engine's own generator would give each script the
  // same numbers. The guest brings bytes of the system's generator, as hexadecimal text.
  let entropy = "", entropyAt = 0;
  let s0 = 1, s1 = 2, s2 = 3, s3 = 4;

  function seed(hex) {
    entropy = hex;
    s0 = take32(); s1 = take32(); s2 = take32(); s3 = take32();
  }
  function take32() {
    const word = parseHex(apply(slice, entropy, [entropyAt, entropyAt + 8]), 16);
    entropyAt += 8;
    return word | 0;
  }
  function next32() { // xoshiro128** 1.1, public domain, by Blackman and Vigna
    const scrambled = imul(rotated(imul(s1, 5), 7), 9), shifted = s1 << 9;
    s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3; s2 ^= shifted;
    s3 = rotated(s3, 11);
    return scrambled >>> 0;
  }
  const rotated = (word, by) => (word << by) | (word >>> (32 - by));
  own(Math, "random", function random() {
    return ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992;
  }, false);

  const crypto = {
    getRandomValues(array) {
      if (!isView(array)) throw new TypeError("crypto.getRandomValues takes a typed array of integers");
      const bytes = new byteOf(array.buffer, array.byteOffset, array.byteLength);
      const needed = bytes.length * 2;
      if (entropyAt + needed > entropy.length) throw new NativeError("a script has " + entropy.length / 2 + " random bytes, and they are used up");
      for (let i = 0; i < bytes.length; i++, entropyAt += 2) bytes[i] = parseHex(apply(slice, entropy, [entropyAt, entropyAt + 2]), 16);
      return array;
    },
    randomUUID() {
      const bytes = crypto.getRandomValues(new byteOf(16));
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      let text = "";
      for (let i = 0; i < 16; i++) text += (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + (bytes[i] < 16 ? "0" : "") + apply(numberToString, bytes[i], [16]);
      return text;
    },
  };

  // ---------------------------------------------------------------- ovh

  // What the server said of a failed call, as its JSON text: a script may change the error it is given.
  const ovhFields = new WeakMap();

  function OvhError(message) {
    return newOvhError('{"message":' + quote(textOf(message)) + "}", "");
  }
  OvhError.prototype = create(NativeError.prototype, {
    name: { value: "OvhError", writable: true, configurable: true },
    constructor: { value: OvhError, writable: true, configurable: true },
  });
  const ovhErrorPrototype = OvhError.prototype;

  function newOvhError(text, stack) {
    const fields = parse(text, reviveLong), error = new NativeError(fields.message);
    setPrototypeOf(error, ovhErrorPrototype);
    const names = keys(fields);
    for (let i = 0; i < names.length; i++)
      if (names[i] !== "message") own(error, names[i], fields[names[i]], true);
    if (stack !== "") own(error, "stack", stack, false);
    apply(weakSet, ovhFields, [error, text]);
    return error;
  }
  function refusal(code, message, stack) {
    const whole = cut(message, bound.messageChars), at = apply(indexOf, whole, [": "]); // what to do stands behind it
    return newOvhError('{"message":' + quote(whole) + ',"code":' + quote(code) + ',"hint":' + quote(at < 0 ? whole : apply(slice, whole, [at + 2])) + "}", stack);
  }

  const ONE_OBJECT = 'ovh.request takes one object: ovh.request({ method: "GET", path: "/v1/me" })';
  // What leaves a script goes in two lanes, each with bounds of its own: API calls, and lookups in
  // the catalogue, which wait for no call.
  function newLane(most, mostInFlight, tooMany, tooLarge, limitBytes) {
    const lane = bare();
    lane.most = most; lane.mostInFlight = mostInFlight; lane.made = 0; lane.inFlight = 0; lane.first = null; lane.last = null;
    lane.tooMany = tooMany; lane.tooLarge = tooLarge; lane.limitBytes = limitBytes;
    return lane;
  }
  const calls = newLane(bound.calls, bound.callsInFlight, "too-many-calls", "the call is larger than " + bound.callBytes + " bytes: send less at once", bound.callBytes);
  const lookups = newLane(bound.lookups, bound.lookupsInFlight, "too-many-lookups", "the lookup is larger than " + bound.lookupBytes + " bytes: a few words, or a few operations, are enough", bound.lookupBytes);
  let nextId = 1;
  const pending = bare();

  function tooMany(lane) {
    const what = lane === calls ? "made " + lane.made + " API calls" : "looked things up " + lane.made + " times";
    return "this script has " + what + ", which is the limit: return what you have and go on in another run";
  }
  // Puts one into its lane; `usage` is why it may not go there, "" where it may.
  function ask(lane, kind, options, usage) {
    const stack = new NativeError().stack;
    return new NativePromise((resolve, reject) => {
      const refuse = (message) => reject(refusal("invalid-call", message, stack));
      if (usage !== "") return refuse(usage);
      let text;
      try {
        text = toJson(options, "call", lane.limitBytes, newNotes());
      } catch (error) {
        if (error === TooLarge) return refuse(lane.tooLarge);
        if (isShortage(error)) throw error;
        if (error === null) return refuse("the call cannot be sent: null was thrown while it was read, as happens when memory is short");
        return refuse("the call cannot be sent: " + textOf(error && error.message));
      }
      if (text === undefined || text[0] !== "{") return refuse(ONE_OBJECT);
      if (lane.made >= lane.most) return reject(refusal(lane.tooMany, tooMany(lane), stack));
      lane.made++;
      const call = bare();
      call.id = nextId++; call.kind = kind; call.text = text; call.lane = lane; call.next = null;
      call.resolve = resolve; call.reject = reject; call.stack = stack;
      pending[call.id] = call;
      if (lane.last === null) lane.first = call; else lane.last.next = call;
      lane.last = call;
    });
  }
  // The next call that may leave now, as JSON text: [id, kind, arguments]; "" where none may.
  function takeCall() {
    const text = takeFrom(lookups);
    return text === "" ? takeFrom(calls) : text;
  }
  function takeFrom(lane) {
    const call = lane.first;
    if (call === null || lane.inFlight >= lane.mostInFlight) return "";
    const text = "[" + call.id + "," + quote(call.kind) + "," + stringify(call.text) + "]";
    call.text = "";
    lane.first = call.next;
    if (lane.first === null) lane.last = null;
    lane.inFlight++;
    return text;
  }
  function unsent(lane) {
    let count = 0;
    for (let call = lane.first; call !== null; call = call.next) count++;
    return count;
  }

  function reply(id, ok, text, hasLong, origin) {
    const call = pending[id];
    if (call === undefined) return;
    delete pending[id];
    call.lane.inFlight--;
    if (!ok) return call.reject(text === "" ? refusal("invalid-call", call.lane.tooLarge, call.stack) : newOvhError(text, call.stack));
    let value;
    try {
      value = hasLong ? parse(text, reviveLong) : parse(text);
    } catch {
      return call.reject(refusal("answer-too-large", "the answer does not fit into the script's memory", call.stack));
    }
    if (call.kind === "list") value = listed(value, call.stack);
    if (apply(indexOf, text, [UNKNOWN]) >= 0) watch(value, 0);
    if (origin !== "" && typeof value === "object" && value !== null) apply(weakSet, origins, [value, origin]);
    call.resolve(value);
  }

  // The items of a list: errors stand in the places of those that could not be read, and where it ended
  // early, `incomplete` says why and how to go on.
  function listed({ items, errors, incomplete }, stack) {
    for (let i = 0; i < errors.length; i++) own(items, errors[i][0], newOvhError(errors[i][1], stack), true);
    if (incomplete !== null) own(items, "incomplete", incomplete, false);
    return items;
  }
  // The request that gave an object, by which the server finds where it is read again.
  const origins = new WeakMap();

  // One look after the other, each judged by the script's own function. The server knows of one look only:
  // it is told how long this has taken, what was seen last, and the function, which its advice repeats.
  const MAX_JUDGE = 300; // characters; a longer one is not repeated
  function waitUntil(given, until) {
    const began = now();
    given.judge = apply(slice, apply(functionToString, until, []), [0, MAX_JUDGE + 1]);
    return new NativePromise((resolve, reject) => {
      let last = null;
      function look(number) {
        given.look = number; given.waited = (now() - began) / 1000;
        if (last !== null) given.seen = last.status;
        settleWith(ask(calls, "wait", given, ""), (answer) => {
          if (answer.next !== undefined) {
            if (answer.value === null && last !== null) { answer.value = last.value; answer.status = last.status; }
            return resolve(answer);
          }
          last = answer;
          const verdict = new NativePromise((decide) => decide(until(answer.value)));
          settleWith(verdict, (isSettled) => {
            answer.settled = !!isSettled;
            return isSettled ? resolve(answer) : look(number + 1);
          }, reject);
        }, reject);
      }
      look(0);
    });
  }
  function settleWith(promise, resolve, reject) {
    own(promise, "constructor", undefined, false); // where `then` would ask the script's Promise
    apply(then, promise, [resolve, reject]);
  }
  // ---------------------------------------------------------------- references

  // A copy of `value` in which references stand for what they lead to: `depth` of them below each
  // other, beside the one that `value` may be itself. One that leads back to where it stands keeps
  // its form and is marked; deeper ones, and all when the copy has become large, are left alone.
  function resolveSchema(value, depth = bound.resolveDepth) {
    const stack = new NativeError().stack;
    if (!isSafeInteger(depth) || depth < 0 || depth > bound.resolveDepthMax)
      throw refusal("invalid-call", "depth is " + (typeof depth === "number" ? depth : describe(depth)) + "; it must be a whole number from 0 to " + bound.resolveDepthMax, stack);
    if (typeof value !== "string" && (typeof value !== "object" || value === null))
      throw refusal("invalid-call", 'ovh.resolve takes a schema, { $ref } or the name of a schema, not ' + describe(value), stack);
    let count = 0;

    function copy(item, level, left, chain) {
      if (++count > 2 * bound.resolvedValues) throw refusal("invalid-call", "the value is too large to be resolved: give one schema", stack);
      if (typeof item !== "object" || item === null) return typeof item === "function" || typeof item === "symbol" ? undefined : item;
      if (level > MAX_DEPTH) throw refusal("invalid-call", "the value is nested deeper than " + MAX_DEPTH + " levels, or holds itself", stack);
      if (isArray(item)) {
        const list = [], length = item.length;
        for (let i = 0; i < length; i++) own(list, i, copy(item[i], level + 1, left, chain), true);
        return list;
      }
      const names = keys(item), ref = refOf(item);
      const target = typeof ref === "string" ? targetOf(ref) : undefined;
      if (target === undefined) return fields(item, names, {}, level, left, link(chain, item), "");
      if (isIn(chain, target)) return marked(fields(item, names, {}, level, left, chain, ""));
      if (left <= 0 || count > bound.resolvedValues) return fields(item, names, {}, level, left, chain, "");
      const inlined = fields(target, keys(target), {}, level, left - 1, link(chain, target), "");
      return fields(item, names, inlined, level, left - 1, chain, "$ref"); // what stands beside it counts more
    }
    function fields(item, names, made, level, left, chain, without) {
      for (let i = 0; i < names.length; i++)
        if (names[i] !== without) own(made, names[i], copy(item[names[i]], level + 1, left, chain), true);
      return made;
    }
    function marked(reference) {
      own(reference, "x-cycle", true, true);
      return reference;
    }

    const ref = typeof value === "string" ? value : refOf(value);
    if (typeof ref !== "string") return copy(value, 0, depth, null);
    if (targetOf(ref) === undefined) throw refusal("invalid-call", noSchema(ref), stack);
    return typeof value === "string" ? copy(targetOf(ref), 0, depth, null) : copy(value, 0, depth + 1, null);
  }
  own(resolveSchema, "name", "resolve", false);
  const refOf = (object) => (hasOwn(object, "$ref") ? object.$ref : undefined);
  function link(chain, value) {
    const frame = bare();
    frame.value = value; frame.up = chain;
    return frame;
  }
  function isIn(chain, value) {
    for (let frame = chain; frame !== null; frame = frame.up) if (frame.value === value) return true;
    return false;
  }
  // What "#/components/schemas/name" leads to, or a bare name; undefined where that is no object.
  function targetOf(ref) {
    const components = ownValue(spec, "components");
    if (apply(slice, ref, [0, COMPONENTS.length]) !== COMPONENTS) return ownValue(ownValue(components, "schemas"), ref);
    const end = apply(indexOf, ref, ["/", COMPONENTS.length]);
    if (end < 0) return undefined;
    const section = apply(slice, ref, [COMPONENTS.length, end]);
    return ownValue(ownValue(components, section), apply(slice, ref, [end + 1]));
  }
  function ownValue(object, name) {
    if (typeof object !== "object" || object === null || !hasOwn(object, name)) return undefined;
    const value = object[name];
    return typeof value === "object" && value !== null ? value : undefined;
  }
  const COMPONENTS = "#/components/", MAX_NEAR = 3;
  function noSchema(ref) {
    const wanted = apply(toLowerCase, apply(slice, ref, [apply(lastIndexOf, ref, ["/"]) + 1]), []);
    const names = keys(ownValue(ownValue(spec, "components"), "schemas") || bare());
    let near = "", count = 0;
    for (let isPart = 0; isPart < 2 && wanted !== ""; isPart++) // first those that end with it
      for (let i = 0; i < names.length && count < MAX_NEAR; i++) {
        const name = apply(toLowerCase, names[i], []), at = apply(lastIndexOf, name, [wanted]);
        if (at < 0 || (at + wanted.length === name.length && name[at - 1] === ".") === (isPart === 1)) continue;
        near += (count++ > 0 ? ", " : "") + cut(names[i], 80);
      }
    return "there is no schema " + quote(cut(ref, 100)) + (near === "" ? ": ovh.describe shows those of an operation" : "; near it: " + near);
  }

  // Why a condition would be lost on its way, for which JSON has no word, so that all would meet it; "" where
  // none is.
  function lostCondition(name, value, levels) {
    if (value === undefined || typeof value === "function" || typeof value === "symbol" || value instanceof NativeRegExp)
      return cut(name, 80) + " is " + (value === undefined ? "undefined" : typeof value === "object" ? "a RegExp" : "a " + typeof value) + ': give values, as in { fieldType: "A" } or { target: { like: "%.example.com" } }';
    if (typeof value !== "object" || value === null || levels < 0) return "";
    const names = keys(value);
    for (let i = 0; i < names.length && i < bound.filterFields; i++) {
      const lost = lostCondition(name + "." + names[i], value[names[i]], levels - 1);
      if (lost !== "") return lost;
    }
    return "";
  }

  // What calls for one account, or for the first where `account` is undefined.
  function doorTo(account) {
    function newGiven() {
      const given = bare();
      if (account !== undefined) given.account = account;
      return given;
    }
    function request(options) {
      const isMistaken = arguments.length > 1 || typeof options !== "object" || options === null || isArray(options);
      if (!isMistaken && account !== undefined) {
        const given = { ...options };
        if (given.account !== undefined && given.account !== account)
          return ask(calls, "request", null, "two accounts are named, " + quote(cut(account, 60)) + " by ovh.account and another in the call: name one");
        given.account = account;
        return ask(calls, "request", given, "");
      }
      return ask(calls, "request", options, isMistaken ? 'ovh.request takes one object: ovh.request({ method: "GET", path: "/v1/me" })' : "");
    }
    function shortcut(method, name) {
      const call = function (path, options) {
        const isMistaken = arguments.length > 2 || (options !== undefined && (typeof options !== "object" || isArray(options)));
        if (isMistaken && typeof path === "string")
          return ask(calls, "request", null, "ovh." + name + " takes a path and one object: ovh." + name + '("/v1/me", { params, query, body })');
        return request(typeof path === "string" ? { ...options, method, path } : { method, path, ...options });
      };
      own(call, "name", name, false);
      return call;
    }
    function list(path, options) {
      const given = newGiven();
      given.path = path; given.options = options;
      let usage = arguments.length > 2 ? 'ovh.list takes a path and one object: ovh.list("/v1/vps", { expand: true })' : "";
      const by = typeof options === "object" && options !== null ? options : typeof path === "object" && path !== null ? path : undefined;
      if (usage === "" && by !== undefined && by.filter !== undefined) usage = lostCondition("filter", by.filter, 2);
      return ask(calls, "list", given, usage);
    }
    function wait(target, options) {
      const given = newGiven(), known = typeof target === "object" && target !== null ? apply(weakGet, origins, [target]) : undefined;
      given.target = target; given.options = options;
      if (known !== undefined) given.origin = known;
      const usage = arguments.length > 2 ? 'ovh.wait takes what to wait for and one object: ovh.wait({ path: "/v1/vps/x/tasks/1" }, { until: "done" })' : "";
      const until = typeof options === "object" && options !== null ? options.until : undefined;
      if (usage !== "" || typeof until !== "function") {
        const isObject = typeof until === "object" && until !== null;
        return ask(calls, "wait", given, usage !== "" || !isObject ? usage : lostCondition("until", until, 2));
      }
      given.options = { ...options };
      delete given.options.until;
      return waitUntil(given, until);
    }
    // What is wrong with them is for the server to say, in the words for a call.
    function find(words, options) {
      const given = newGiven();
      given.words = words; given.options = options;
      return ask(lookups, "find", given, arguments.length > 2 ? 'ovh.find takes words and one object: ovh.find("reboot a vps", { limit: 5 })' : "");
    }
    function describeOperations(operations) {
      const given = newGiven();
      given.operations = operations;
      return ask(lookups, "describe", given, arguments.length > 1 ? 'ovh.describe takes an operation or one array of them: ovh.describe(["GET /v1/me", "GET /v1/vps"])' : "");
    }
    own(describeOperations, "name", "describe", false);
    return {
      request,
      get: shortcut("GET", "get"),
      post: shortcut("POST", "post"),
      put: shortcut("PUT", "put"),
      delete: shortcut("DELETE", "delete"),
      list,
      wait,
      find,
      describe: describeOperations,
      resolve: resolveSchema,
    };
  }
  function accountOf(name) {
    if (arguments.length !== 1 || typeof name !== "string" || name === "")
      throw refusal("invalid-call", 'ovh.account takes the name of an account: ovh.account("name").get("/v1/me")', new NativeError().stack);
    return freeze(doorTo(name));
  }
  own(accountOf, "name", "account", false);

  const ovh = freeze({ ...doorTo(undefined), account: accountOf });

  // ---------------------------------------------------------------- the document

  // Most of the document is never read by a script, so it arrives folded (see the catalogue's
  // folding.py): an object with the key "…": [index, name, …] has more properties, which are in the
  // text at that index. They are accessors that look like the properties and become them when the
  // first is read or written. A child copies each page that it touches, so accessors are shared by
  // name, and what is walked together is made together: paths, items, operations, each in one go.
  // Objects are made anew rather than changed: a deleted property gives each a layout of its own.
  const FOLD = "…";
  const details = new WeakMap();
  const accessors = bare();

  function unpacked({ details: texts, paths, document }) {
    const made = {};
    for (const name in document)
      own(made, name, name === "paths" && paths !== undefined ? pathsOf(paths, texts) : refolded(document[name], texts, 1), true);
    return made;
  }
  function refolded(value, texts, depth) {
    if (typeof value !== "object" || value === null || isArray(value) || depth > 3) return value;
    const made = {}, mark = value[FOLD];
    for (const name in value)
      if (name !== FOLD) own(made, name, mark === undefined ? refolded(value[name], texts, depth + 1) : value[name], true);
    if (mark !== undefined) fold(made, texts[mark[0]], mark, 1);
    return made;
  }
  function fold(object, text, names, from) {
    for (let i = from; i < names.length; i++) defineProperty(object, names[i], accessor(names[i]));
    apply(weakSet, details, [object, text]);
  }

  function pathsOf({ items, methods, operations, tags, kinds }, texts) {
    const paths = {}, names = keys(items), made = bare(), count = operations.kind.length;
    for (let i = 0; i < names.length; i++) own(paths, names[i], {}, true);
    for (let i = 0; i < count; i++) made[i] = {};
    for (let i = 0, at = 0; i < names.length; i++) {
      const item = paths[names[i]], itsMethods = methods[items[names[i]]];
      for (let j = 0; j < itsMethods.length; j++) own(item, itsMethods[j], made[at++], true);
    }
    for (let i = 0; i < count; i++) {
      const { same, folded } = kinds[operations.kind[i]], at = operations.details[i];
      if (operations.operationId[i] !== null) own(made[i], "operationId", operations.operationId[i], true);
      if (operations.tags[i] >= 0) own(made[i], "tags", [...tags[operations.tags[i]]], true);
      if (operations.summary[i] !== null) own(made[i], "summary", operations.summary[i], true);
      for (const name in same) own(made[i], name, same[name], true);
      if (at >= 0) fold(made[i], texts[at], folded, 0);
    }
    return paths;
  }
  function accessor(name) {
    if (accessors[name] === undefined) {
      const shared = bare();
      shared.get = function () { return unfolded(this, name); };
      shared.set = function (value) { unfolded(this, name); own(this, name, value, true); };
      shared.enumerable = true;
      shared.configurable = true;
      accessors[name] = shared;
    }
    return accessors[name];
  }
  function unfolded(object, name) {
    for (let owner = object; typeof owner === "object" && owner !== null; owner = getPrototypeOf(owner)) {
      const folded = apply(weakGet, details, [owner]);
      if (folded === undefined) continue;
      const fields = typeof folded === "string" ? parse(folded) : folded, names = keys(fields);
      try {
        for (let i = 0; i < names.length; i++) own(owner, names[i], fields[names[i]], true);
        apply(weakDelete, details, [owner]);
      } catch { // it was frozen
        apply(weakSet, details, [owner, fields]);
      }
      return fields[name];
    }
    return undefined;
  }

  // ---------------------------------------------------------------- the run

  let spec = null, outcome = null;
  const outOfMemory = bare(); // made beforehand: then there is no memory to make it
  outOfMemory.head = '{"kind":"memory","name":"","message":""}';

  // Statements without `return`: what the last of them comes to is what the script is.
  function startStatements(code) {
    let value;
    try { value = evaluate(code); } catch (error) { return threw(error); }
    start(value, true);
  }
  function startExpression(expression) {
    let value;
    try { value = expression(); } catch (error) { return threw(error); }
    start(value, false);
  }
  // `value` is a function or a promise of something.
  function start(value, isLastValue) {
    let run = value;
    if (typeof value === "function") {
      const what = uncallable(value);
      if (what !== "") return fail("not-a-function", what);
      try { run = value(spec); } catch (error) { return threw(error); }
    } else if (!isThenable(value) && (!isLastValue || value === null || value === undefined)) {
      return fail("not-a-function", isLastValue ? "statements without a function and without `return`" : describe(value));
    }
    try {
      apply(then, run, [finish, threw]);
    } catch {
      const wrapped = new NativePromise((resolve) => resolve(run));
      own(wrapped, "constructor", undefined, false);
      apply(then, wrapped, [finish, threw]);
    }
  }
  function uncallable(fn) {
    try {
      const kind = getPrototypeOf(fn);
      if (kind === generator || kind === asyncGenerator) return "a generator, whose body runs only when it is iterated";
      return apply(slice, apply(functionToString, fn, []), [0, 5]) === "class" ? "a class, which cannot be called" : "";
    } catch { return ""; }
  }
  function isThenable(value) {
    try { return typeof value === "object" && value !== null && typeof value.then === "function"; } catch { return false; }
  }
  function finish(value) {
    try { settle(value); } catch { outcome = outOfMemory; }
  }
  function settle(value) {
    if (outcome !== null) return;
    const notes = newNotes();
    let pieces;
    try {
      pieces = written(value, "result", bound.resultChars, notes);
    } catch (error) {
      if (error === TooLarge) return fail("result-too-large", "");
      return threw(error);
    }
    if (pieces === undefined) {
      pieces = toPieces(null, "result", bound.resultChars, notes);
      notes[0] = "the script returned nothing (undefined): did you forget `return`?";
      notes.count = 1;
    }
    if (read.count > 0 && notes.count < MAX_NOTES) {
      let names = read[0];
      for (let i = 1; i < read.count; i++) names += ", " + read[i];
      notes[notes.count++] = "the script read what a dry run cannot know (" + names + "): if it decides by it, the real run may go another way";
    }
    const shownNotes = notes.count < MAX_NOTES ? notes.count : MAX_NOTES;
    outcome = bare();
    outcome.head = '{"notes":' + listOfTexts(notes, shownNotes) + "}";
    outcome.pieces = pieces;
  }
  function describe(value) {
    if (isArray(value)) return "an array";
    return value === null ? "null or undefined" : typeof value === "object" ? "an object" : "a " + typeof value;
  }
  function threw(error) {
    try { tell(error); } catch { outcome = outOfMemory; }
  }
  function tell(error) {
    let name = "", message = "", stack = "", fields = "null";
    if (typeof error === "unknown") { outcome = outOfMemory; return; } // the engine threw without a value
    try {
      if (typeof error === "object" && error !== null) {
        name = textOf(error.name); message = textOf(error.message); stack = textOf(error.stack);
        if (name === "undefined") { name = "Thrown"; message = shown(error); }
        else message += (message === "" && isArray(error.errors) ? "all promises were rejected" : "") + reasons(error);
        const known = apply(weakGet, ovhFields, [error]);
        if (known !== undefined && known.length <= bound.fieldsChars) fields = known;
      } else {
        name = "Thrown"; message = error === null ? "null" : shown(error);
      }
    } catch {
      name = "Error"; message = "an error that cannot be read";
    }
    fail("threw", message, name, stack, fields);
  }
  function fail(kind, message, name = "", stack = "", fields = "null") {
    if (outcome !== null) return;
    outcome = bare();
    outcome.head = '{"kind":' + stringify(kind) + ',"name":' + quote(cut(name, 200)) + ',"message":' + quote(cut(message, bound.messageChars)) +
      ',"stack":' + quote(cut(stack, bound.stackChars)) + ',"fields":' + fields + "}";
  }

  // What most scripts do, done before there is a script: the pages that it copies, and those of the
  // heap that it fills and frees, are then at hand.
  function rehearse() {
    const all = entries(spec && spec.paths ? spec.paths : bare()), found = [];
    for (let i = 0; i < all.length; i++)
      for (const method in all[i][1]) {
        const { summary } = all[i][1][method];
        if (i % 64 === 0) found[found.length] = { method, path: all[i][0], summary };
      }
    return toJson(found, "result", bound.resultChars, newNotes()).length;
  }

  // ---------------------------------------------------------------- the only way in

  // A long concatenation is a rope inside the engine, which its binding cannot hand out: slice flattens it.
  function host(secret, op, a, b, c, d, e) {
    if (secret !== token) return undefined;
    const answer = serve(op, a, b, c, d, e);
    return typeof answer === "string" ? apply(slice, answer, [0]) : answer;
  }
  function serve(op, a, b, c, d, e) {
    switch (op) {
      case "document": spec = unpacked(a); own(globalThis, "spec", spec, false); return null;
      case "seed": seed(a); return null;
      case "rehearse": return rehearse();
      case "function": start(a, false); return null;
      case "expression": startExpression(a); return null;
      case "statements": startStatements(a); return null;
      case "call": return takeCall();
      case "reply": reply(a, b, c, d, e); return null;
      case "waiting": return calls.inFlight + lookups.inFlight;
      case "unanswered": return "[" + calls.inFlight + "," + unsent(calls) + "," + (lookups.inFlight + unsent(lookups)) + "]";
      case "logs": { const lines = logLines; logLines = ""; return lines; }
      case "dropped": return logsDropped;
      case "head": return outcome === null ? "" : outcome.head;
      case "pieces": return outcome.pieces.count;
      case "piece": { const piece = outcome.pieces[a]; delete outcome.pieces[a]; return piece; }
    }
    return undefined;
  }

  const settled = NativePromise.resolve();
  own(settled, "constructor", undefined, false); // where `then` would ask the script's Promise
  function queueMicrotask(job) {
    if (typeof job !== "function") throw new TypeError("queueMicrotask takes a function");
    apply(then, settled, [() => { try { job(); } catch (error) { threw(error); } }]);
  }

  own(globalThis, "queueMicrotask", queueMicrotask, false);
  own(globalThis, "ovh", ovh, false);
  own(globalThis, "OvhError", OvhError, false);
  own(globalThis, "console", console, false);
  own(globalThis, "crypto", freeze(crypto), false);
  return host;
})
