/* Names of sensors of power, alarms, thermal zones, and how a Raspberry Pi or a Jetson is set. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LABELS = 32, ZONES = 64, DEVICES = 64, MODES = 32 };

static int ends(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* "\tlabel" for each file of labels; tabs in one become spaces. */
static void label(char *line, size_t room, char *text) {
    size_t at = strlen(line);
    for (char *p = text; *p; p++)
        if (*p == '\t') *p = ' ';
    if (at + strlen(text) + 2 < room) snprintf(line + at, room - at, "\t%s", text);
}

static int measures(const char *file) {
    return (!strncmp(file, "power", 5) && (ends(file, "_input") || ends(file, "_average"))) ||
           (!strncmp(file, "curr", 4) && ends(file, "_input")) || (!strncmp(file, "energy", 6) && ends(file, "_input"));
}

/* A device of hwmon: its sensor of power, if it measures any, by label; and its alarms. */
static void hwmon_device(struct eq_probe *probe, const char *device) {
    char folder[EQ_PROBE_LINE], name[64], text[EQ_PROBE_LINE], line[EQ_PROBE_VALUE] = "";
    uint64_t state;
    int power = 0, labels = 0;
    snprintf(folder, sizeof folder, "/sys/class/hwmon/%s", device);
    if (!eq_probe_line(probe, name, sizeof name, "%s/name", folder)) return;
    struct eq_probe_names *files = eq_probe_list(probe, folder, "");
    for (int i = 0; files && i < files->count; i++) {
        const char *file = files->name[i];
        power |= measures(file);
        if (ends(file, "_label") && strncmp(file, "temp", 4) && strncmp(file, "fan", 3) && labels < LABELS &&
            eq_probe_line(probe, text, sizeof text, "%s/%s", folder, file))
            label(line, sizeof line, text), labels++;
        if (ends(file, "_alarm") && eq_probe_number(probe, &state, "%s/%s", folder, file))
            eq_probe_tell(probe, "alarm", "%s\t%s\t%llu", name, file, (unsigned long long)state);
    }
    if (power) eq_probe_tell(probe, "power.sensor", "%s\t%s%s", name, device, line);
    free(files);
}

static void hwmon(struct eq_probe *probe) {
    struct eq_probe_names *devices = eq_probe_list(probe, "/sys/class/hwmon", "hwmon");
    for (int i = 0; devices && i < devices->count && i < DEVICES; i++) hwmon_device(probe, devices->name[i]);
    free(devices);
}

/* JetPack 4: a driver of NVIDIA's own, channels from 0. */
static void ina3221x(struct eq_probe *probe) {
    static const char driver[] = "/sys/bus/i2c/drivers/ina3221x";
    char folder[EQ_PROBE_LINE], text[EQ_PROBE_LINE];
    struct eq_probe_names *chips = eq_probe_list(probe, driver, "");
    for (int i = 0; chips && i < chips->count && i < DEVICES; i++) {
        snprintf(folder, sizeof folder, "%s/%s", driver, chips->name[i]);
        struct eq_probe_names *devices = eq_probe_list(probe, folder, "iio:device");
        for (int k = 0; devices && k < devices->count; k++) {
            char line[EQ_PROBE_VALUE] = "";
            for (int rail = 0; rail < 3; rail++)
                if (eq_probe_line(probe, text, sizeof text, "%s/%s/rail_name_%d", folder, devices->name[k], rail))
                    label(line, sizeof line, text);
            if (*line) eq_probe_tell(probe, "power.sensor", "ina3221\t%s%s", devices->name[k], line);
        }
        free(devices);
    }
    free(chips);
}

/* Of each entry of a folder the line of a file in it, where it is `wanted` (NULL: any). */
static void named(struct eq_probe *probe, const char *folder, const char *prefix, const char *file, const char *wanted, const char *kind) {
    char text[EQ_PROBE_LINE];
    struct eq_probe_names *names = eq_probe_list(probe, folder, prefix);
    for (int i = 0; names && i < names->count && i < DEVICES; i++) {
        if (!eq_probe_line(probe, text, sizeof text, "%s/%s/%s", folder, names->name[i], file)) continue;
        if (wanted && strcmp(text, wanted)) continue;
        char line[EQ_PROBE_LINE + 2] = "";
        if (!wanted) label(line, sizeof line, text);
        eq_probe_tell(probe, "power.sensor", "%s\t%s%s", kind, names->name[i], line);
    }
    free(names);
}

static void thermal(struct eq_probe *probe) {
    char type[EQ_PROBE_LINE], temperature[EQ_PROBE_LINE];
    struct eq_probe_names *zones = eq_probe_list(probe, "/sys/class/thermal", "thermal_zone");
    for (int i = 0; zones && i < zones->count && i < ZONES; i++) {
        const char *zone = zones->name[i];
        if (!eq_probe_line(probe, type, sizeof type, "/sys/class/thermal/%s/type", zone)) continue;
        /* A zone of a part that is off cannot be read: it has a name all the same. */
        if (!eq_probe_line(probe, temperature, sizeof temperature, "/sys/class/thermal/%s/temp", zone)) temperature[0] = 0;
        eq_probe_tell(probe, "thermal.zone", "%s\t%s", type, temperature);
    }
    free(zones);
}

static void power_modes(struct eq_probe *probe) {
    char value[EQ_PROBE_LINE], name[64];
    unsigned id;
    int modes = 0;
    if (eq_probe_line(probe, value, sizeof value, "/var/lib/nvpmodel/status") && sscanf(value, "pmode:%u", &id) == 1)
        eq_probe_tell(probe, "power.mode", "%u", id);
    const char *line = eq_probe_text(probe, "/etc/nvpmodel.conf");
    for (; line && *line && modes < MODES; line += strcspn(line, "\n"), line += *line == '\n') {
        line += strspn(line, " \t");
        if (sscanf(line, "< POWER_MODEL ID=%u NAME=%63[^ >\n]", &id, name) != 2) continue;
        eq_probe_tell(probe, "power.modes", "%u\t%s", id, name);
        modes++;
    }
}

static void raspberry_pi(struct eq_probe *probe) {
    static const char *const places[] = {"/usr/bin/vcgencmd", "/opt/vc/bin/vcgencmd"};
    static const char platform[] = "/sys/devices/platform";
    char path[EQ_PROBE_PATH], value[EQ_PROBE_LINE];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (eq_probe_path(probe, path, "%s", places[i]) && access(path, X_OK) == 0) {
            eq_probe_tell(probe, "pi.vcgencmd", "%s", places[i]);
            break;
        }
    /* soc/soc:firmware, or with an address in both names */
    struct eq_probe_names *socs = eq_probe_list(probe, platform, "soc");
    for (int i = 0; socs && i < socs->count; i++) {
        char folder[EQ_PROBE_LINE];
        snprintf(folder, sizeof folder, "%s/%s", platform, socs->name[i]);
        struct eq_probe_names *parts = eq_probe_list(probe, folder, "soc");
        for (int k = 0; parts && k < parts->count; k++)
            if (eq_probe_line(probe, value, sizeof value, "%s/%s/get_throttled", folder, parts->name[k]))
                eq_probe_tell(probe, "pi.throttled", "%s", value);
        free(parts);
    }
    free(socs);
}

void eq_probe_sensors(struct eq_probe *probe) {
    hwmon(probe);
    ina3221x(probe);
    named(probe, "/sys/class/power_supply", "", "type", "Battery", "battery");
    named(probe, "/sys/class/powercap", "intel-rapl:", "name", NULL, "rapl");
    thermal(probe);
    power_modes(probe);
    raspberry_pi(probe);
}
