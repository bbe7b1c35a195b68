package penstock.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams, exactly_once_v2, doing the same full job as the bare loop in one stream thread.
 *
 * <p>Run with the JSON of bench.peer_job.Entry and the directory of the Avro schemas. The processor asks for a commit after
 * every 2,000 deliveries. The stores cache, so that a transaction writes a row to its changelog once, as the others do.
 *
 * <p>What differs from the worker, because Kafka Streams is so: RocksDB is written before the commit, so after a crash the
 * stores are made again from their changelogs, where the worker's are kept; a RocksDB for each table and partition, with
 * Kafka Streams' own settings; the producer's thread sends and compresses beside the one that decides, as librdkafka's does.
 */
public final class Streams {
    private static final int BATCH = 2_000;
    private static final int CACHE_BYTES = 64 * 1024 * 1024;

    private Streams() {}

    /** What the benchmark says: bench/peer_job.py. */
    public record Entry(String name, String kafka, String raw, String directory, Map<String, String> prefixes) {
        static Entry read(String argument) throws IOException {
            return JsonMapper.builder().build().readValue(argument, Entry.class);
        }

        String group() {
            return "bench." + name;
        }

        String topic(String output) {
            return group() + "." + output;
        }
    }

    /** How many deliveries the transaction of the one thread holds; it covers all tasks. */
    static final class Batch {
        private int left = BATCH;

        /** Counts a delivery, and asks for a commit after the last one of a batch. */
        void count(ProcessorContext<?, ?> context) {
            if (--left == 0) {
                left = BATCH;
                context.commit();
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        Entry entry = Entry.read(arguments[0]);
        Job job = new Job(entry.prefixes(), Path.of(arguments[1])); // one thread, so one for all tasks
        run(entry, topology(entry, job));
    }

    /** Runs until ended by a signal. */
    static void run(Entry entry, Topology topology) {
        KafkaStreams streams = new KafkaStreams(topology, settings(entry));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
        streams.start();
    }

    private static Topology topology(Entry entry, Job job) {
        Batch batch = new Batch();
        return new Topology()
                .addSource("raw", entry.raw())
                .addProcessor("decide", () -> new Decide(job, batch), "raw")
                .addStateStore(table("seen"), "decide")
                .addStateStore(table("latest"), "decide")
                .addSink("changes", entry.topic("changes"), "decide")
                .addSink("state", entry.topic("state"), "decide")
                .addSink("outcomes", entry.topic("outcomes"), "decide");
    }

    static StoreBuilder<KeyValueStore<byte[], byte[]>> table(String name) {
        return Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(name), Serdes.ByteArray(), Serdes.ByteArray())
                .withCachingEnabled();
    }

    private static Properties settings(Entry entry) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, entry.group());
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, entry.kafka());
        settings.put(StreamsConfig.STATE_DIR_CONFIG, entry.directory());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        // For the last deliveries, too few to be a batch; as Quix Streams has it. The default for exactly_once_v2, 100 ms, or even
        // a second while the JVM is cold, would cut batches short.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 5_000);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, BATCH);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), BATCH);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 * 1024 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 100);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        // As librdkafka has it, and as the worker. With Kafka's 16 kB and 100 ms a transaction's first batches, which the broker
        // refuses until the last transaction is complete, send those behind them round in circles (OUT_OF_ORDER_SEQUENCE_NUMBER).
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1_000_000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MS_CONFIG), 5);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 256L * 1024 * 1024);
        return settings;
    }

    /** The decision as a step of the topology. */
    private static final class Decide implements Processor<byte[], byte[], byte[], byte[]> {
        private final Job job;
        private final Batch batch;
        private ProcessorContext<byte[], byte[]> context;
        private KeyValueStore<byte[], byte[]> seen;
        private KeyValueStore<byte[], byte[]> latest;

        Decide(Job job, Batch batch) {
            this.job = job;
            this.batch = batch;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> given) {
            context = given;
            seen = given.getStateStore("seen");
            latest = given.getStateStore("latest");
        }

        @Override
        public void process(Record<byte[], byte[]> delivery) {
            try {
                decide(delivery);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            batch.count(context);
        }

        private void decide(Record<byte[], byte[]> delivery) throws IOException {
            RecordMetadata place = context.recordMetadata().orElseThrow();
            Shown shown = Shown.read(
                    delivery.key(),
                    delivery.value(),
                    delivery.headers(),
                    place.topic(),
                    place.partition(),
                    place.offset());
            byte[] seenKey = shown.seenKey();
            Job.Decision decision = job.decide(shown, seen.get(seenKey), latest.get(delivery.key()));
            if (decision.seen() != null) {
                seen.put(seenKey, decision.seen());
            }
            if (decision.latest() != null) {
                latest.put(delivery.key(), decision.latest());
            }
            forward(delivery, shown.texts().get("penstock_delivery_id").getBytes(), decision);
        }

        private void forward(Record<byte[], byte[]> delivery, byte[] deliveryId, Job.Decision decision) {
            long now = delivery.timestamp();
            if (decision.change() != null) {
                context.forward(new Record<>(delivery.key(), decision.change(), now), "changes");
                context.forward(new Record<>(delivery.key(), decision.state(), now), "state");
            }
            context.forward(new Record<>(deliveryId, decision.outcome(), now), "outcomes");
        }
    }
}
