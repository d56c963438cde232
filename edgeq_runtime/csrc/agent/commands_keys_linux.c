/* Keys without a host: what is enrolled, and the first key, from a file, where devices are made ready. */
#include "commands_linux.h"
#include "eq_trust.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* SubjectPublicKeyInfo of an Ed25519 key before its 32 bytes (RFC 8410). */
static const uint8_t prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static int digit(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* The key in PEM; 0 where the text holds none. */
static int parse(const char *text, uint8_t key[32]) {
    static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
    uint8_t bytes[sizeof prefix + 32];
    uint32_t bits = 0, held = 0;
    size_t size = 0;
    const char *p = strstr(text, begin);
    if (!p) return 0;
    for (p += strlen(begin); *p && *p != '-' && *p != '='; p++) {
        if (strchr(" \t\r\n", *p)) continue;
        int value = digit(*p);
        if (value < 0) return 0;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        if (size == sizeof bytes) return 0;
        bytes[size++] = (uint8_t)(bits >> held);
    }
    p += strspn(p, "=\r\n\t ");
    if (size != sizeof bytes || memcmp(bytes, prefix, sizeof prefix) || strncmp(p, end, strlen(end))) return 0;
    memcpy(key, bytes + sizeof prefix, 32);
    return 1;
}

/* The name in the line above the key, or the file's. */
static void name_of(char *out, size_t room, const char *text, const char *path) {
    static const char title[] = "edgeq key ";
    if (!strncmp(text, title, strlen(title))) {
        const char *start = text + strlen(title);
        snprintf(out, room, "%.*s", (int)strcspn(start, " \r\n"), start);
    } else {
        eq_command_stem(out, room, path);
    }
}

static int complain(const char *path, const char *text) {
    fprintf(stderr, "edgeq-agent: %s: %s\n", path, text);
    return eq_fault_exit_code(EQ_FAULT_key);
}

/* The name under which the key is enrolled, or NULL. */
static const char *name_in(const struct eq_keys *keys, const uint8_t key[32]) {
    for (uint32_t i = 0; i < EQ_KEYS; i++)
        if (keys->places[i].name[0] && !memcmp(keys->places[i].bytes, key, 32)) return keys->places[i].name;
    return NULL;
}

static int enroll(const char *path, const struct eq_key_change *change) {
    struct eq_keys before;
    int fault = eq_keys_read(eq_port_store(), &before);
    if (!fault) fault = eq_keys_change(eq_port_store(), change, NULL, (struct eq_bytes){NULL, 0});
    int code = eq_command_report(path, fault, 0);
    if (fault == EQ_FAULT_proof) fputs("edgeq-agent: from a host, edgeq key enroll --by gives that proof\n", stderr);
    if (fault) return code;
    const char *name = name_in(&before, change->key.bytes);
    if (name) printf("%s: was enrolled already\n", name);
    else printf("%s: enrolled; from now on only signed files are installed\n", change->key.name);
    return code;
}

int eq_command_enroll(const struct eq_words *words) {
    char text[4096] = "", name[256];
    struct eq_key_change change = {EQ_KEY_ENROLL, {{0}, ""}};
    uint64_t size;
    int file = eq_command_open(words->first, &size);
    if (file < 0) return eq_fault_exit_code(EQ_FAULT_key);
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    if (n < 0 || !parse(text, change.key.bytes))
        return complain(words->first, "no Ed25519 public key in PEM: give the .pub file of edgeq key new");
    if (words->second) snprintf(name, sizeof name, "%s", words->second);
    else name_of(name, sizeof name, text, words->first);
    if (strlen(name) >= sizeof change.key.name) return eq_command_report(name, EQ_FAULT_key, 0);
    strcpy(change.key.name, name);
    return enroll(words->first, &change);
}

int eq_command_keys(const struct eq_words *words) {
    struct eq_keys keys;
    uint8_t id[EQ_KEY_ID];
    (void)words;
    int fault = eq_keys_read(eq_port_store(), &keys);
    if (fault) return eq_command_report("keys", fault, 0);
    for (uint32_t i = 0; i < EQ_KEYS; i++) {
        if (!keys.places[i].name[0]) continue;
        eq_key_id(&keys.places[i], id);
        printf("%u\t%s\t", (unsigned)i + 1, keys.places[i].name);
        for (uint32_t b = 0; b < EQ_KEY_ID; b++) printf("%02x", id[b]);
        putchar('\n');
    }
    if (!eq_keys_count(&keys)) fputs("edgeq-agent: no keys: every file is installed, signed or not\n", stderr);
    return 0;
}
