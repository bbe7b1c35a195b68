package penstock.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessageUnpacker;

/** The rows of the two tables in MessagePack, byte for byte those of bench/job.py. */
final class Rows {
    private Rows() {}

    /** Which contents and deliveries showed one version of one resource. */
    record Seen(List<byte[]> fingerprints, List<String> deliveryIds) {
        static final Seen NOTHING = new Seen(List.of(), List.of());

        static Seen read(byte[] row) throws IOException {
            try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(row)) {
                unpacker.unpackArrayHeader();
                List<byte[]> fingerprints = new ArrayList<>();
                for (int left = unpacker.unpackArrayHeader(); left > 0; left--) {
                    fingerprints.add(unpacker.readPayload(unpacker.unpackBinaryHeader()));
                }
                List<String> deliveryIds = new ArrayList<>();
                for (int left = unpacker.unpackArrayHeader(); left > 0; left--) {
                    deliveryIds.add(unpacker.unpackString());
                }
                return new Seen(fingerprints, deliveryIds);
            }
        }

        boolean endsWith(byte[] fingerprint) {
            return !fingerprints.isEmpty() && Arrays.equals(fingerprints.get(fingerprints.size() - 1), fingerprint);
        }

        long count(byte[] fingerprint) {
            return fingerprints.stream().filter(earlier -> Arrays.equals(earlier, fingerprint)).count();
        }

        /** Returns the row with one more delivery. */
        byte[] with(byte[] fingerprint, String deliveryId) throws IOException {
            List<byte[]> shown = new ArrayList<>(fingerprints);
            if (!endsWith(fingerprint)) {
                shown.add(fingerprint);
            }
            try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
                packer.packArrayHeader(2).packArrayHeader(shown.size());
                for (byte[] one : shown) {
                    packer.packBinaryHeader(one.length).writePayload(one);
                }
                packer.packArrayHeader(deliveryIds.size() + 1);
                for (String one : deliveryIds) {
                    packer.packString(one);
                }
                packer.packString(deliveryId);
                return packer.toByteArray();
            }
        }
    }

    /** The state of one resource. */
    record Latest(long versionUs, long eventTimeUs, byte[] fingerprint, byte[] text, boolean isDeleted, String eventId) {
        static Latest read(byte[] row) throws IOException {
            try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(row)) {
                unpacker.unpackArrayHeader();
                return new Latest(
                        unpacker.unpackLong(),
                        unpacker.unpackLong(),
                        unpacker.readPayload(unpacker.unpackBinaryHeader()),
                        unpacker.readPayload(unpacker.unpackBinaryHeader()),
                        unpacker.unpackBoolean(),
                        unpacker.unpackString());
            }
        }

        byte[] written() throws IOException {
            try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
                packer.packArrayHeader(6).packLong(versionUs).packLong(eventTimeUs);
                packer.packBinaryHeader(fingerprint.length).writePayload(fingerprint);
                packer.packBinaryHeader(text.length).writePayload(text);
                packer.packBoolean(isDeleted).packString(eventId);
                return packer.toByteArray();
            }
        }
    }
}
