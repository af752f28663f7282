import { describe, expect, test } from "vitest";
import { SqlSections } from "../../bootstrap/dump/sql-sections.ts";
import { SqlStream } from "../../bootstrap/dump/sql-stream.ts";

/** As mariadb-dump 10.11 writes it, with a row a line. */
const mariadb = `-- MariaDB dump 10.19
/*!40103 SET TIME_ZONE='+00:00' */;

--
-- Position to start replication or point-in-time recovery from
--

-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=345;

--
-- Current Database: \`shop\`
--

CREATE DATABASE /*!32312 IF NOT EXISTS*/ \`shop\` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;

USE \`shop\`;
CREATE TABLE \`orders\` (
  \`id\` int(11) NOT NULL,
  \`note\` text DEFAULT '(none); INSERT INTO \`x\` VALUES (1)',
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB;

--
-- Dumping data for table \`orders\`
--

LOCK TABLES \`orders\` WRITE;
INSERT INTO \`orders\` VALUES
(1,'plain'),
(2,'it\\'s (in) brackets; and \\\\'),
(3,NULL);
INSERT INTO \`orders\` VALUES
(4,'\\n(5)');
UNLOCK TABLES;

--
-- Dumping data for table \`empty\`
--

LOCK TABLES \`empty\` WRITE;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE TRIGGER \`t\` AFTER INSERT ON \`orders\` FOR EACH ROW BEGIN
INSERT INTO \`orders\` VALUES (9,'not a row');
END */;;
DELIMITER ;

--
-- Current Database: \`a\`\`b\`
--

CREATE DATABASE \`a\`\`b\`;

USE \`a\`\`b\`;
--
-- Dumping data for table \`t(1)\`
--

INSERT INTO \`t(1)\` VALUES
(0x28,_binary '(\\0'),
(2,'');
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
`;

/** As mysqldump 8 writes it, with all rows in a line. */
const mysql = mariadb
  .replace("CHANGE MASTER TO MASTER_LOG_FILE", "CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE")
  .replace("MASTER_LOG_POS", "SOURCE_LOG_POS")
  .replaceAll("VALUES\n(", "VALUES (")
  .replaceAll("),\n(", "),(");

describe.each([
  ["mariadb-dump", mariadb],
  ["mysqldump", mysql],
])("what %s writes", (_name, text) => {
  const bytes = Buffer.from(text);

  test("tells the rows of every table and the position, however it is cut", () => {
    for (let size = 1; size <= 80; size++) {
      const stream = new SqlStream(["shop", "a`b", "nothing"]);
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      expect(stream.rows, `in pieces of ${size}`).toEqual({
        shop: { orders: 4, empty: 0 },
        "a`b": { "t(1)": 2 },
        nothing: {},
      });
      expect(stream.position).toBe("binlog.000002:345");
    }
  });

  test("is divided by database, however it is cut", () => {
    const whole = text.split("-- Current Database: ");
    for (let size = 1; size <= 2048; size = size * 3 + 1) {
      const passed = (wanted: string[]) => {
        const sections = new SqlSections(wanted);
        const parts: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size)
          parts.push(...sections.write(bytes.subarray(at, at + size)));
        return Buffer.concat([...parts, ...sections.end()]).toString();
      };
      expect(passed(["shop", "a`b"])).toBe(text);
      expect(passed(["shop"])).toBe(`${whole[0]}-- Current Database: ${whole[1]}`);
      expect(passed(["a`b"])).toBe(`${whole[0]}-- Current Database: ${whole[2]}`);
    }
  });
});
