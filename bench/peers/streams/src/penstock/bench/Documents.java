package penstock.bench;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** JSON as bench/job.py reads, writes and compares it: numbers keep their digits, names are in order. */
final class Documents {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();
    private static final ObjectReader READER = MAPPER.readerFor(Map.class);
    private static final ObjectWriter WRITER = MAPPER.writer();
    private static final Object ABSENT = new Object();

    private Documents() {}

    /** Returns the object that a body spells. */
    static Map<String, Object> parse(byte[] body) throws IOException {
        return READER.readValue(body);
    }

    /** Returns the canonical text: names in order at every depth, no white space. */
    static byte[] canonical(Map<String, Object> document) throws IOException {
        return WRITER.writeValueAsBytes(document);
    }

    /** Returns a JSON Pointer for each value that differs; objects in arrays are matched by their id. */
    static List<String> pointers(Object old, Object now) {
        List<String> found = new ArrayList<>();
        compare(old, now, "", found);
        return found;
    }

    private static void compare(Object old, Object now, String at, List<String> found) {
        if (old instanceof Map<?, ?> before && now instanceof Map<?, ?> after) {
            compareObjects(before, after, at, found);
        } else if (old instanceof List<?> before && now instanceof List<?> after) {
            compareArrays(before, after, at, found);
        } else if (!isSame(old, now)) {
            found.add(at);
        }
    }

    private static void compareObjects(Map<?, ?> old, Map<?, ?> now, String at, List<String> found) {
        Set<Object> names = new LinkedHashSet<>(old.keySet());
        names.addAll(now.keySet());
        for (Object name : names) {
            if (at.isEmpty() && name.equals("updated_at")) {
                continue;
            }
            Object before = old.containsKey(name) ? old.get(name) : ABSENT;
            Object after = now.containsKey(name) ? now.get(name) : ABSENT;
            if (!isSame(before, after)) {
                compare(before, after, at + "/" + name, found);
            }
        }
    }

    private static void compareArrays(List<?> old, List<?> now, String at, List<String> found) {
        if (!haveIds(old) || !haveIds(now)) {
            if (!isSame(old, now)) {
                found.add(at);
            }
            return;
        }
        Map<Object, Object> byId = new HashMap<>();
        old.forEach(element -> byId.put(id(element), element));
        for (int place = 0; place < now.size(); place++) {
            Object before = byId.getOrDefault(id(now.get(place)), ABSENT);
            compare(before, now.get(place), at + "/" + place, found);
        }
        if (!old.stream().map(Documents::id).toList().equals(now.stream().map(Documents::id).toList())) {
            found.add(at);
        }
    }

    private static boolean haveIds(List<?> elements) {
        return elements.stream().allMatch(element -> element instanceof Map<?, ?> map && map.containsKey("id"));
    }

    private static Object id(Object element) {
        return ((Map<?, ?>) element).get("id");
    }

    /** Says whether two values are equal as Python has it: 1.0 is 1, order of names is nothing. */
    private static boolean isSame(Object old, Object now) {
        if (old instanceof Map<?, ?> before && now instanceof Map<?, ?> after) {
            return before.size() == after.size()
                    && before.entrySet().stream().allMatch(entry -> after.containsKey(entry.getKey())
                            && isSame(entry.getValue(), after.get(entry.getKey())));
        }
        if (old instanceof List<?> before && now instanceof List<?> after) {
            return isSameList(before, after);
        }
        if (old instanceof Number before && now instanceof Number after && !before.equals(after)) {
            return new BigDecimal(before.toString()).compareTo(new BigDecimal(after.toString())) == 0;
        }
        return old == null ? now == null : old.equals(now);
    }

    private static boolean isSameList(List<?> old, List<?> now) {
        if (old.size() != now.size()) {
            return false;
        }
        for (int place = 0; place < old.size(); place++) {
            if (!isSame(old.get(place), now.get(place))) {
                return false;
            }
        }
        return true;
    }
}
