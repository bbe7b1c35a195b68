package penstock.bench;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Kafka Streams doing the small job of bench/small_job.py: one table, one output; run and set up as {@link Streams}. */
public final class Small implements Processor<byte[], byte[], byte[], byte[]> {
    private static final String TABLE = "state";
    private static final String OUTPUT = "events";
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final ObjectReader READER = MAPPER.readerFor(Map.class);
    private static final ObjectWriter WRITER = MAPPER.writer();

    private final Streams.Batch batch;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> table;

    private Small(Streams.Batch batch) {
        this.batch = batch;
    }

    public static void main(String[] arguments) throws IOException {
        Streams.Entry entry = Streams.Entry.read(arguments[0]);
        Streams.Batch batch = new Streams.Batch();
        Topology topology = new Topology()
                .addSource("raw", entry.raw())
                .addProcessor("decide", () -> new Small(batch), "raw")
                .addStateStore(Streams.table(TABLE), "decide")
                .addSink(OUTPUT, entry.topic(OUTPUT), "decide");
        Streams.run(entry, topology);
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
        context = given;
        table = given.getStateStore(TABLE);
    }

    @Override
    public void process(Record<byte[], byte[]> delivery) {
        try {
            byte[] event = event(delivery.value(), table.get(delivery.key()));
            if (event != null) {
                table.put(delivery.key(), delivery.value());
                context.forward(new Record<>(delivery.key(), event, delivery.timestamp()));
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        batch.count(context);
    }

    private static byte[] event(byte[] body, byte[] stored) throws IOException {
        Map<String, Object> after = READER.readValue(body);
        Map<String, Object> before = stored == null ? null : READER.readValue(stored);
        if (before != null && updatedAt(before).compareTo(updatedAt(after)) >= 0) {
            return null;
        }
        List<String> changed = new ArrayList<>();
        if (before != null) {
            after.forEach((name, value) -> {
                if (!before.containsKey(name) || !Objects.equals(before.get(name), value)) {
                    changed.add(name);
                }
            });
        }
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("op", before == null ? "c" : "u");
        event.put("changed", changed);
        event.put("before", before);
        event.put("after", after);
        return WRITER.writeValueAsBytes(event);
    }

    private static String updatedAt(Map<String, Object> product) {
        return (String) product.get("updated_at");
    }
}
