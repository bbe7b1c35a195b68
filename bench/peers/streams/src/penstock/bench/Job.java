package penstock.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/** The decision of bench/job.py, step by step: the same outcomes, changes, states and rows. */
final class Job {
    private static final UUID NAMESPACE = UUID.fromString("7d1e4f6c-4f0e-5d0b-9a53-70656e73746f");
    private final Map<String, Format> formats = new HashMap<>();
    private BinaryEncoder encoder;

    /** One schema: the five bytes of Confluent's wire format that begin a value, and what writes the rest. */
    private record Format(byte[] prefix, Schema schema, GenericDatumWriter<GenericRecord> writer) {}

    /** What follows from one delivery; null where nothing does. */
    record Decision(byte[] outcome, byte[] change, byte[] state, byte[] seen, byte[] latest) {}

    Job(Map<String, String> prefixes, Path schemas) throws IOException {
        for (Map.Entry<String, String> one : prefixes.entrySet()) {
            Schema schema = new Schema.Parser().parse(schemas.resolve(one.getKey() + ".avsc").toFile());
            byte[] prefix = HexFormat.of().parseHex(one.getValue());
            formats.put(one.getKey(), new Format(prefix, schema, new GenericDatumWriter<>(schema)));
        }
    }

    /** Returns what follows from a delivery, given the rows stored under its `seenKey` and its key. */
    Decision decide(Shown shown, byte[] seenRow, byte[] latestRow) throws IOException {
        Rows.Seen earlier = seenRow == null ? Rows.Seen.NOTHING : Rows.Seen.read(seenRow);
        if (earlier.deliveryIds().contains(shown.deliveryId())) {
            return known(shown, "duplicate", "delivery_id", "this delivery id was decided before", null);
        }
        byte[] seen = earlier.with(shown.fingerprint(), shown.deliveryId());
        if (earlier.endsWith(shown.fingerprint())) {
            String detail = "another delivery showed this version with this content";
            return known(shown, "duplicate", "same_version_and_content", detail, seen);
        }
        Rows.Latest latest = latestRow == null ? null : Rows.Latest.read(latestRow);
        if (latest != null && shown.versionUs() < latest.versionUs()) {
            String detail = "a newer version of this resource was decided before";
            return known(shown, "stale", "older_than_stored", detail, seen);
        }
        return news(shown, latest, seen, earlier.count(shown.fingerprint()));
    }

    private Decision known(Shown shown, String outcome, String reason, String detail, byte[] seen) throws IOException {
        return new Decision(outcome(shown, outcome, reason, detail, List.of()), null, null, seen, null);
    }

    private Decision news(Shown shown, Rows.Latest latest, byte[] seen, long earlier) throws IOException {
        boolean isNew = latest == null;
        List<String> changed =
                isNew ? List.of() : Documents.pointers(Documents.parse(latest.text()), shown.product());
        if (!isNew && changed.isEmpty()) {
            String detail = "the stored state says the same; its version was advanced";
            byte[] outcome = outcome(shown, "unchanged", "no_difference", detail, List.of());
            return new Decision(outcome, null, null, seen, row(shown, latest.eventId()));
        }
        String op = isNew ? "c" : "u";
        String fingerprint = HexFormat.of().formatHex(shown.fingerprint());
        String named = String.join("\0", shown.key(), "v" + shown.versionUs(), fingerprint, op, "" + earlier);
        String eventId = uuid5(named).toString();
        byte[] outcome = outcome(shown, "changed", isNew ? "created" : "updated", "", List.of(eventId));
        byte[] change = change(shown, eventId, op, changed, isNew ? null : latest.text());
        return new Decision(outcome, change, state(shown, eventId), seen, row(shown, eventId));
    }

    private static byte[] row(Shown shown, String eventId) throws IOException {
        return new Rows.Latest(
                        shown.versionUs(), shown.eventTimeUs(), shown.fingerprint(), shown.text(), false, eventId)
                .written();
    }

    private byte[] change(Shown shown, String eventId, String op, List<String> changed, byte[] before)
            throws IOException {
        GenericRecord record = resource("change", shown, eventId);
        record.put("op", op);
        record.put("changed", changed);
        record.put("before", before == null ? null : new String(before, UTF_8));
        record.put("after", new String(shown.text(), UTF_8));
        record.put("event_time", shown.eventTimeUs());
        record.put("received_at", shown.receivedAtUs());
        GenericRecord source = new GenericData.Record(record.getSchema().getField("source").schema());
        putOrigin(source, shown);
        source.put("api_version", shown.texts().get("penstock_api_version"));
        record.put("source", source);
        return encode("change", record);
    }

    private byte[] state(Shown shown, String eventId) throws IOException {
        GenericRecord record = resource("state", shown, eventId);
        record.put("document", new String(shown.text(), UTF_8));
        return encode("state", record);
    }

    private byte[] outcome(Shown shown, String outcome, String reason, String detail, List<String> eventIds)
            throws IOException {
        GenericRecord record = new GenericData.Record(formats.get("outcome").schema());
        putOrigin(record, shown);
        record.put("outcome", outcome);
        record.put("reason", reason);
        record.put("detail", detail);
        record.put("event_ids", eventIds);
        record.put("received_at", shown.receivedAtUs());
        record.put("decided_at", shown.nowUs());
        return encode("outcome", record);
    }

    private GenericRecord resource(String schema, Shown shown, String eventId) {
        GenericRecord record = new GenericData.Record(formats.get(schema).schema());
        record.put("event_id", eventId);
        record.put("resource_key", shown.key());
        record.put("resource_type", "product");
        record.put("resource_id", shown.resourceId());
        record.put("version", shown.versionUs());
        record.put("emitted_at", shown.nowUs());
        return record;
    }

    private static void putOrigin(GenericRecord record, Shown shown) {
        record.put("delivery_id", shown.deliveryId());
        record.put("source", shown.texts().get("penstock_source"));
        record.put("provider", shown.texts().get("penstock_provider"));
        record.put("event_type", shown.texts().get("ce_type"));
        record.put("topic", shown.topic());
        record.put("partition", shown.partition());
        record.put("offset", shown.offset());
    }

    private byte[] encode(String name, GenericRecord record) throws IOException {
        Format format = formats.get(name);
        ByteArrayOutputStream value = new ByteArrayOutputStream(4096);
        value.write(format.prefix());
        encoder = EncoderFactory.get().binaryEncoder(value, encoder);
        format.writer().write(record, encoder);
        encoder.flush();
        return value.toByteArray();
    }

    /** Returns the UUID of version 5 of a name (RFC 9562, section 5.5), which Java does not bring. */
    private static UUID uuid5(String name) {
        MessageDigest digest = Shown.digest("SHA-1");
        digest.update(ByteBuffer.allocate(16)
                .putLong(NAMESPACE.getMostSignificantBits())
                .putLong(NAMESPACE.getLeastSignificantBits())
                .array());
        ByteBuffer hash = ByteBuffer.wrap(digest.digest(name.getBytes(UTF_8)));
        long most = hash.getLong() & ~0xF000L | 0x5000L;
        long least = hash.getLong() & ~(3L << 62) | 2L << 62;
        return new UUID(most, least);
    }
}
