/* The RTP depacketizers and the Matroska muxer of libavformat, driven with nothing between.
 *
 *     libavformat SDP PACKETS WIDTH HEIGHT OUTPUT
 *
 * PACKETS (RFC 4571: each packet after its length in 16 bits) is mapped, and handed packet by packet
 * to the sdp demuxer (sdp_flags=custom_io). What it gives is copied to the muxer. The size of the
 * picture is told, since an SDP does not say it, and nothing is probed.
 */
#include <fcntl.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PACKET = 1 << 16, FORGET = 16 << 20 };

struct packets {
    unsigned char *bytes;
    size_t size, at, forgotten;
};

/* Pages that were read count as the program's memory until it gives them back. */
static void forget(struct packets *packets) {
    if (packets->at - packets->forgotten < FORGET) return;
    madvise(packets->bytes + packets->forgotten, FORGET, MADV_DONTNEED);
    packets->forgotten += FORGET;
}

static int next_packet(void *opaque, uint8_t *buffer, int room) {
    struct packets *packets = opaque;
    if (packets->at + 2 > packets->size) return AVERROR_EOF;
    unsigned char *head = packets->bytes + packets->at;
    int length = head[0] << 8 | head[1];
    if (length > room || packets->at + 2 + length > packets->size) return AVERROR_INVALIDDATA;
    memcpy(buffer, head + 2, length);
    packets->at += 2 + length;
    forget(packets);
    return length;
}

static int next_text(void *opaque, uint8_t *buffer, int room) {
    ssize_t count = read(*(int *)opaque, buffer, room);
    return count > 0 ? (int)count : AVERROR_EOF;
}

static int discard(void *opaque, uint8_t *buffer, int size) {
    (void)opaque, (void)buffer;
    return size;
}

static int fail(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, av_err2str(error));
    return 1;
}

static int open_input(AVFormatContext **input, const char *sdp, struct packets *packets) {
    int text = open(sdp, O_RDONLY);
    AVDictionary *options = NULL;
    av_dict_set(&options, "sdp_flags", "custom_io", 0);
    AVFormatContext *context = avformat_alloc_context();
    AVIOContext *reader =
        avio_alloc_context(av_malloc(PACKET), PACKET, 0, &text, next_text, NULL, NULL);
    context->pb = reader;
    int error = avformat_open_input(&context, NULL, av_find_input_format("sdp"), &options);
    if (error < 0) return error;
    close(text);
    /* The demuxer writes RTCP receiver reports to where packets come from. In its buffer they would
     * pile up and stop it: `direct` hands them on at once. */
    AVIOContext *media =
        avio_alloc_context(av_malloc(PACKET), PACKET, 0, packets, next_packet, discard, NULL);
    media->direct = 1;
    media->max_packet_size = PACKET;
    context->pb = media;
    *input = context;
    return 0;
}

static int open_output(AVFormatContext **output, AVStream *from, char **argv) {
    int error = avformat_alloc_output_context2(output, NULL, "matroska", argv[5]);
    if (error < 0) return error;
    AVStream *to = avformat_new_stream(*output, NULL);
    if ((error = avcodec_parameters_copy(to->codecpar, from->codecpar)) < 0) return error;
    to->codecpar->codec_tag = 0;
    if (to->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
        to->codecpar->width = atoi(argv[3]);
        to->codecpar->height = atoi(argv[4]);
    }
    to->time_base = from->time_base;
    if ((error = avio_open(&(*output)->pb, argv[5], AVIO_FLAG_WRITE)) < 0) return error;
    return avformat_write_header(*output, NULL);
}

static int copy(AVFormatContext *input, AVFormatContext *output) {
    AVPacket *packet = av_packet_alloc();
    int error;
    while ((error = av_read_frame(input, packet)) >= 0) {
        if (packet->dts == AV_NOPTS_VALUE) packet->dts = packet->pts;
        av_packet_rescale_ts(packet, input->streams[0]->time_base, output->streams[0]->time_base);
        if ((error = av_write_frame(output, packet)) < 0) return error;
        av_packet_unref(packet);
    }
    return error == AVERROR_EOF ? av_write_trailer(output) : error;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: libavformat SDP PACKETS WIDTH HEIGHT OUTPUT\n");
        return 2;
    }
    int file = open(argv[2], O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about) < 0) return fail(argv[2], AVERROR(errno));
    struct packets packets = {.size = about.st_size};
    packets.bytes = mmap(NULL, packets.size, PROT_READ, MAP_PRIVATE, file, 0);
    if (packets.bytes == MAP_FAILED) return fail(argv[2], AVERROR(errno));
    madvise(packets.bytes, packets.size, MADV_SEQUENTIAL);
    av_log_set_level(AV_LOG_ERROR);
    AVFormatContext *input = NULL, *output = NULL;
    int error = open_input(&input, argv[1], &packets);
    if (error < 0) return fail(argv[1], error);
    if ((error = open_output(&output, input->streams[0], argv)) < 0) return fail(argv[5], error);
    if ((error = copy(input, output)) < 0) return fail(argv[5], error);
    avio_closep(&output->pb);
    return 0;
}
