/* A camera loop on the device in C: what 04_camera_loop.py does, with nothing allocated.
 *
 *     at() { python3 -c "import edgeq_runtime as e; print(e.$1_dir())"; }
 *     cc -O2 05_camera_loop.c -I"$(at include)" -L"$(at library)" -ledgeq -Wl,-rpath,"$(at library)" -o camera_loop
 *     ./camera_loop digits/frames/[0-9]*.pgm
 *
 * A new deployment or a rollback is taken between two frames and costs none. Where the model is removed, or a version comes that takes
 * other frames or more memory than this program has, it says so and the version that it has goes on. SIGTERM and Ctrl-C end it after the
 * frame that it is at, with exit code 0. To make it yours, replace camera() and answered(), and set the sizes below. */
#define _POSIX_C_SOURCE 200809L
#include "agent/eq_store.h"
#include "eq.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Bytes for the largest version that will ever be deployed; `edgeq inspect` and `edgeq plan` show what one takes. */
#define MODEL_ROOM ((size_t)256 << 10)
#define ARENA_ROOM ((size_t)256 << 10)
#define FRAME_ROOM ((size_t)128 << 10) /* pixels */
#define SCORES     ((size_t)1024)

struct version {
    struct eq_store_model stored; /* the file, mapped */
    struct eq_plan plan;
    struct eq_model *model;
    struct eq_edge in, out; /* what the model says of its input and its output */
    _Alignas(EQ_ALIGN) unsigned char memory[MODEL_ROOM];
};
/* The version that runs, and room for the one that replaces it: the first is not let go of before the second is ready. */
static struct version versions[2];
static _Alignas(EQ_ALIGN) unsigned char arena[ARENA_ROOM];
static float frame[FRAME_ROOM], scores[SCORES];

struct options {
    const char *model;
    double rate;
    unsigned long count; /* of frames; 0: no end */
    int every;
};

/* The stand-in for a camera: frame `number` (from 0) into `frame`, grey from 0 to 1, line after line; from a .pgm (P5, a byte a pixel, no
 * comments). NULL, or what is wrong. With a real one: VIDIOC_DQBUF on a V4L2 device, mapped once at the start; convert its
 * pixels into `frame`; VIDIOC_QBUF. */
static const char *camera(char **paths, int files, unsigned long number, size_t pixels) {
    static unsigned char bytes[FRAME_ROOM + 64];
    int width, height, most, head = 0, file = open(paths[number % (unsigned)files], O_RDONLY | O_CLOEXEC);
    if (file < 0) return strerror(errno);
    ssize_t got = read(file, bytes, sizeof bytes - 1);
    close(file);
    if (got < 0) return strerror(errno);
    bytes[got] = 0;
    if (sscanf((const char *)bytes, "P5 %5d %5d %3d%n", &width, &height, &most, &head) != 3 || width < 1 || height < 1 || most < 1 ||
        most > 255)
        return "not a binary .pgm of one byte a pixel";
    if ((size_t)width * (size_t)height != pixels) return "not as many pixels as the model takes";
    if ((size_t)got != (size_t)head + 1 + pixels) return "the file is cut short, or longer than its head says";
    for (size_t i = 0; i < pixels; i++) frame[i] = (float)bytes[(size_t)head + 1 + i] / (float)most;
    return NULL;
}

/* What is done with an answer. */
static void answered(unsigned long number, const struct version *now, int every) {
    size_t count = now->out.bytes / sizeof *scores, label = 0;
    for (size_t i = 1; i < count; i++)
        if (scores[i] > scores[label]) label = i;
    printf("frame %lu version %u label %zu", number, (unsigned)now->stored.version.version, label);
    for (size_t i = 0; every && i < count; i++) printf(" %a", (double)scores[i]);
    putchar('\n');
    fflush(stdout);
}

/* From the mapped file to a model that runs. NULL, or why not. */
static const char *load(struct version *version) {
    struct eq_file file;
    int status = eq_file_check(&file, version->stored.data, version->stored.size); /* every offset, once */
    if (!status) status = eq_plan(&version->plan, &file, 0, eq_cpu_isas());        /* exact sizes for this CPU */
    if (status) return eq_status_text(status);
    if (version->plan.model_bytes > MODEL_ROOM) return "the model takes more memory than MODEL_ROOM";
    if (version->plan.arena_bytes > ARENA_ROOM) return "the model takes more memory than ARENA_ROOM";
    status = eq_open(&version->model, &file, 0, eq_cpu_isas(), version->memory, MODEL_ROOM);
    if (!status) status = eq_input(version->model, 0, &version->in);
    if (!status) status = eq_output(version->model, 0, &version->out);
    if (status) return eq_status_text(status);
    if (eq_input_count(version->model) != 1 || eq_output_count(version->model) != 1 || version->in.type != EQ_TYPE_f32 ||
        version->out.type != EQ_TYPE_f32 || version->in.bytes > sizeof frame || version->out.bytes > sizeof scores)
        return "this program is for one input and one output of float32, up to FRAME_ROOM and SCORES values";
    return NULL;
}

static int same(const struct eq_edge *a, const struct eq_edge *b) {
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape);
}

/* The version in `fresh`, mapped: whether it can take over from `now`. NULL, or why not; one that was refused is not opened for every
 * frame. */
static const char *try_version(const struct version *now, struct version *fresh) {
    static uint8_t refused[32];
    static const char *why;
    if (why && !memcmp(refused, fresh->stored.version.sha256, sizeof refused)) return why;
    const char *wrong = load(fresh);
    if (!wrong && !(same(&now->in, &fresh->in) && same(&now->out, &fresh->out))) wrong = "its input or output has another shape";
    if (!wrong) return NULL;
    memcpy(refused, fresh->stored.version.sha256, sizeof refused);
    why = wrong;
    return why;
}

/* Between two frames: the version to run from here on, the one that is current now or, where it cannot be taken, the old one. */
static struct version *follow(struct version *now) {
    static const char *said; /* each trouble is told once */
    struct version *fresh = now == versions ? versions + 1 : versions;
    int changed, fault = eq_store_refresh(&now->stored, &fresh->stored, &changed);
    const char *wrong = fault ? eq_fault_text(fault) : changed ? try_version(now, fresh) : NULL;
    if (wrong && wrong != said)
        fprintf(stderr, "%s: %s; version %u goes on\n", now->stored.name, wrong, (unsigned)now->stored.version.version);
    said = wrong;
    if (!wrong && !changed) return now;
    eq_store_close(wrong ? &fresh->stored : &now->stored);
    return wrong ? now : fresh;
}

static const char *infer(const struct version *now) {
    int status = eq_set_input(now->model, arena, 0, EQ_TYPE_f32, frame, now->in.bytes);
    if (!status) status = eq_run(now->model, arena, now->plan.arena_bytes, NULL);
    if (!status) status = eq_get_output(now->model, arena, 0, EQ_TYPE_f32, scores, now->out.bytes);
    return status ? eq_status_text(status) : NULL;
}

/* Wait until `due`, which moves on by a period. 1 where SIGINT or SIGTERM came. */
static int wait_for(struct timespec *due, double rate, const sigset_t *end, unsigned long *late) {
    struct timespec now, rest = {0, 0};
    long long period = (long long)(1e9 / rate), left;
    clock_gettime(CLOCK_MONOTONIC, &now);
    left = (due->tv_sec - now.tv_sec) * 1000000000LL + (due->tv_nsec - now.tv_nsec) + period;
    if (left < 0) { /* this frame took too long: the rate counts from now on, frames are not hurried after one another */
        ++*late;
        *due = now;
    } else {
        rest = (struct timespec){(time_t)(left / 1000000000), (long)(left % 1000000000)};
        left = due->tv_nsec + period;
        *due = (struct timespec){due->tv_sec + (time_t)(left / 1000000000), (long)(left % 1000000000)};
    }
    return sigtimedwait(end, NULL, &rest) > 0;
}

static int loop(const struct options *options, char **paths, int files, const sigset_t *end) {
    struct version *now = versions;
    unsigned long number = 0, late = 0;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    do {
        const char *wrong = camera(paths, files, number, now->in.bytes / sizeof *frame);
        if (wrong) {
            fprintf(stderr, "%s: %s\n", paths[number % (unsigned)files], wrong);
            return 1;
        }
        now = follow(now);
        wrong = infer(now);
        if (wrong) {
            fprintf(stderr, "%s: %s\n", options->model, wrong);
            return 1;
        }
        answered(++number, now, options->every);
    } while (number != options->count && !wait_for(&due, options->rate, end, &late));
    fprintf(stderr, "%lu frames, %lu of them late\n", number, late);
    return 0;
}

int main(int count, char **words) {
    static struct eq_store_files store;
    struct options options = {"digits", 10, 0, 0};
    char root[3072];
    sigset_t end;
    for (int letter; (letter = getopt(count, words, "m:r:n:s")) != -1;) {
        if (letter == 'm') options.model = optarg;
        if (letter == 'r') options.rate = atof(optarg);
        if (letter == 'n') options.count = strtoul(optarg, NULL, 10);
        if (letter == 's') options.every = 1;
        if (letter == '?') options.rate = 0;
    }
    if (optind == count || !(options.rate >= 0.001 && options.rate <= 1000) || eq_store_default_root(root, sizeof root)) {
        fprintf(stderr, "usage: camera_loop [-m MODEL] [-r FRAMES_A_SECOND] [-n FRAMES] [-s] FRAME.pgm...\n"
                        "-s: also print every score. The store is EDGEQ_STORE, or below HOME.\n");
        return 2;
    }
    /* Held back while a frame is at work, and looked at between two: no frame is cut in half. */
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    int fault = eq_store_open(&versions[0].stored, eq_store_files_init(&store, root), options.model, 0); /* 0: the current version */
    const char *wrong = fault ? eq_fault_text(fault) : load(&versions[0]);
    if (wrong) {
        fprintf(stderr, "%s: %s\n", options.model, wrong);
        return 1;
    }
    return loop(&options, words + optind, count - optind, &end);
}
