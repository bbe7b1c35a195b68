package penstock.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** One delivery as read: its product, and where it came from. */
record Shown(
        Map<String, String> texts,
        String key,
        String topic,
        int partition,
        long offset,
        long nowUs,
        byte[] text,
        Map<String, Object> product,
        byte[] fingerprint,
        long versionUs) {
    static Shown read(byte[] key, byte[] body, Headers headers, String topic, int partition, long offset)
            throws IOException {
        Map<String, String> texts = new HashMap<>();
        for (Header header : headers) {
            texts.put(header.key(), new String(header.value(), UTF_8));
        }
        Map<String, Object> product = Documents.parse(body);
        byte[] text = Documents.canonical(product);
        byte[] fingerprint = Arrays.copyOf(digest("SHA-256").digest(text), 16);
        long versionUs = us((String) product.get("updated_at"));
        long nowUs = us(Instant.now());
        return new Shown(
                texts, new String(key, UTF_8), topic, partition, offset, nowUs, text, product, fingerprint, versionUs);
    }

    /** Returns the key of the table seen: the resource and its version. */
    byte[] seenKey() {
        return (key + "\0v" + versionUs).getBytes(UTF_8);
    }

    String deliveryId() {
        return texts.get("penstock_delivery_id");
    }

    String resourceId() {
        return product.get("id").toString();
    }

    long eventTimeUs() {
        return us(texts.get("ce_time"));
    }

    long receivedAtUs() {
        return us(texts.get("penstock_received_at"));
    }

    static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("every Java has " + algorithm, error);
        }
    }

    private static long us(String text) {
        TemporalAccessor time = DateTimeFormatter.ISO_DATE_TIME.parse(text);
        boolean hasZone = time.isSupported(ChronoField.OFFSET_SECONDS);
        return us(hasZone ? Instant.from(time) : LocalDateTime.from(time).toInstant(ZoneOffset.UTC));
    }

    private static long us(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }
}
