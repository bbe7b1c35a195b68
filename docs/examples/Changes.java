import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints every change of a topic: {@code java -cp "jars/*" Changes.java changes.shopify.product}.
 *
 * <p>On the class path: kafka-clients, avro, jackson-databind, slf4j-api. With a deserializer of Confluent or Apicurio there, too, Registry
 * below becomes one setting.
 */
public class Changes {
  static final String KAFKA = System.getenv().getOrDefault("KAFKA", "127.0.0.1:9092");
  static final String REGISTRY = System.getenv().getOrDefault("REGISTRY", "http://127.0.0.1:8081/apis/ccompat/v7");
  static final String GROUP = System.getenv().getOrDefault("GROUP", "example-java");

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> settings = Map.of(
        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, KAFKA,
        ConsumerConfig.GROUP_ID_CONFIG, GROUP,
        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    Registry registry = new Registry();
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(arguments[0]));
      while (true) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          GenericRecord change = registry.decode(record.value());
          System.out.println(change.get("event_id") + " " + change.get("op") + " " + change.get("resource_id"));
        }
        consumer.commitSync();
      }
    }
  }

  /** Decodes Avro in Confluent's wire format: a zero byte, the schema's id in four bytes, the record. */
  static class Registry {
    private final HttpClient client = HttpClient.newHttpClient();
    private final Map<Integer, Schema> schemas = new HashMap<>();

    GenericRecord decode(byte[] message) throws IOException, InterruptedException {
      ByteBuffer buffer = ByteBuffer.wrap(message, 1, message.length - 1);
      Schema schema = schema(buffer.getInt());
      var decoder = DecoderFactory.get().binaryDecoder(message, buffer.position(), buffer.remaining(), null);
      return new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
    }

    private Schema schema(int id) throws IOException, InterruptedException {
      if (!schemas.containsKey(id)) {
        var request = HttpRequest.newBuilder(URI.create(REGISTRY + "/schemas/ids/" + id)).build();
        String answer = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        schemas.put(id, new Schema.Parser().parse(new ObjectMapper().readTree(answer).get("schema").asText()));
      }
      return schemas.get(id);
    }
  }
}
